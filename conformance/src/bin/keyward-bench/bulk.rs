//! Digests, MACs and encryption of many bytes through a module, in one piece and in parts.

use keyward_conformance::ck::*;
use keyward_conformance::{Mech, Object, Rv, Session, call, ulen};

use crate::algorithm::{Bulk, throughput};
use crate::fault::Fault;
use crate::worker::Worker;

/// Megabytes per second in messages of `len` bytes, each in so many equal parts; one part is the single call.
pub fn run(worker: &mut Worker, bulk: Bulk, len: usize, parts: usize) -> Result<f64, Fault> {
    let key = bulk.key(&worker.session)?;
    let mut message = Message {
        bulk,
        mechanism: bulk.mechanism(),
        key: key.unwrap_or(CK_INVALID_HANDLE),
        data: vec![0x5a; len],
        part: len / parts.max(1),
        out: vec![0; bulk.room(len)],
    };
    let micros = match parts {
        1 => worker.time(|session| message.whole(session)),
        _ => worker.time(|session| message.in_parts(session)),
    };
    if let Some(key) = key {
        worker.session.destroy(key)?;
    }
    Ok(throughput(len, micros?))
}

struct Message {
    bulk: Bulk,
    mechanism: Mech,
    /// CK_INVALID_HANDLE where the mechanism takes none.
    key: Object,
    data: Vec<u8>,
    /// The length of a part.
    part: usize,
    out: Vec<u8>,
}

impl Message {
    fn begin(&self, session: &Session) -> Result<(), Rv> {
        let (module, handle, mut mechanism) = (session.module(), session.handle(), self.mechanism.raw());
        Rv::check(match self.bulk {
            Bulk::Sha256 => call!(module, C_DigestInit(handle, &mut mechanism)).0,
            Bulk::HmacSha256 => call!(module, C_SignInit(handle, &mut mechanism, self.key)).0,
            Bulk::AesGcm | Bulk::AesCbc => call!(module, C_EncryptInit(handle, &mut mechanism, self.key)).0,
        })
    }

    fn whole(&mut self, session: &Session) -> Result<(), Rv> {
        self.begin(session)?;
        let (module, handle) = (session.module(), session.handle());
        let (data, len) = (self.data.as_mut_ptr(), ulen(self.data.len()));
        let (out, mut room) = (self.out.as_mut_ptr(), ulen(self.out.len()));
        Rv::check(match self.bulk {
            Bulk::Sha256 => call!(module, C_Digest(handle, data, len, out, &mut room)).0,
            Bulk::HmacSha256 => call!(module, C_Sign(handle, data, len, out, &mut room)).0,
            Bulk::AesGcm | Bulk::AesCbc => call!(module, C_Encrypt(handle, data, len, out, &mut room)).0,
        })
    }

    fn in_parts(&mut self, session: &Session) -> Result<(), Rv> {
        self.begin(session)?;
        let (module, handle) = (session.module(), session.handle());
        let mut rest = self.out.as_mut_slice();
        for part in self.data.chunks(self.part) {
            let (data, len) = (part.as_ptr().cast_mut(), ulen(part.len()));
            let (out, mut room) = (rest.as_mut_ptr(), ulen(rest.len()));
            Rv::check(match self.bulk {
                Bulk::Sha256 => call!(module, C_DigestUpdate(handle, data, len)).0,
                Bulk::HmacSha256 => call!(module, C_SignUpdate(handle, data, len)).0,
                Bulk::AesGcm | Bulk::AesCbc => {
                    let rv = call!(module, C_EncryptUpdate(handle, data, len, out, &mut room));
                    rest = rest.get_mut(keyward_conformance::size(room)..).ok_or(Rv(CKR_DATA_LEN_RANGE))?;
                    rv.0
                }
            })?;
        }
        let (out, mut room) = (rest.as_mut_ptr(), ulen(rest.len()));
        Rv::check(match self.bulk {
            Bulk::Sha256 => call!(module, C_DigestFinal(handle, out, &mut room)).0,
            Bulk::HmacSha256 => call!(module, C_SignFinal(handle, out, &mut room)).0,
            Bulk::AesGcm | Bulk::AesCbc => call!(module, C_EncryptFinal(handle, out, &mut room)).0,
        })
    }
}
