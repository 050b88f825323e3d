//! ML-DSA's message representative µ, for keys that sign it elsewhere.

use super::PreHash;
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake256, Shake256Reader};

/// µ = SHAKE256(SHAKE256(pk, 64) ‖ 0 ‖ len(ctx) ‖ ctx ‖ M, 64), over a message in parts (FIPS 204, algorithms 2, 6
/// and 7). Pre-hashed, 1 stands for 0, and the hash's OID and digest for M (algorithms 4 and 5).
pub struct MlDsaMu(Shake256);

impl MlDsaMu {
    /// For a public key's encoding and a context of at most 255 bytes; a longer one is cut.
    pub fn new(public_key: &[u8], context: &[u8]) -> Self {
        MlDsaMu::begin(0, public_key, context)
    }

    /// µ of a digest of this hash, for a context as for `new`.
    pub(super) fn of_digest(public_key: &[u8], context: &[u8], hash: PreHash, digest: &[u8]) -> [u8; 64] {
        let mut mu = MlDsaMu::begin(1, public_key, context);
        mu.update(&hash.oid_der());
        mu.update(digest);
        mu.value()
    }

    fn begin(domain: u8, public_key: &[u8], context: &[u8]) -> Self {
        let mut key = Shake256::default();
        key.update(public_key);
        let context = context.get(..255).unwrap_or(context);
        let mut mu = Shake256::default();
        mu.update(&read(key.finalize_xof()));
        mu.update(&[domain, u8::try_from(context.len()).unwrap_or(u8::MAX)]);
        mu.update(context);
        MlDsaMu(mu)
    }

    /// A part of the message.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// µ of all parts.
    pub fn value(&self) -> [u8; 64] {
        read(self.0.clone().finalize_xof())
    }
}

fn read(mut reader: Shake256Reader) -> [u8; 64] {
    let mut bytes = [0; 64];
    reader.read(&mut bytes);
    bytes
}
