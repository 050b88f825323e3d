//! Password-based encryption as NSS and kryoptic write it down (RFC 8018), and as much DER as that takes.

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::source::Damage;
use crate::crypto::{Hash, pbkdf2};
use crate::types::SecretBytes;

type Answer<T> = std::result::Result<T, Damage>;

/// The most iterations that a file may ask for: a hundred times what its owners do.
const MAX_ITERATIONS: u32 = 1_000_000;

/// Contents of OBJECT IDENTIFIERs.
pub mod oid {
    /// PBES2.
    pub const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    /// PBMAC1.
    pub const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14];
    /// PBKDF2.
    pub const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
    /// HMAC with SHA-256.
    pub const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
    /// PBE with SHA-1 and three-key triple DES: what NSS wrote before it knew PBES2.
    pub const PBE_SHA1_3DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 5, 1, 3];
    /// AES-128, -192 and -256 in CBC mode.
    pub const AES_CBC: [&[u8]; 3] = [
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2],
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22],
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42],
    ];
    /// AES-256 in GCM mode.
    pub const AES_256_GCM: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 46];
}

/// The pseudorandom functions of PBKDF2; SHA-1's is the one that nobody names.
const PRFS: &[(&[u8], Hash)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 7], Hash::Sha1),
    (oid::HMAC_SHA256, Hash::Sha256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 10], Hash::Sha384),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 11], Hash::Sha512),
];

/// Elements that are read one after the other.
#[derive(Clone)]
pub struct Der<'a>(SliceReader<'a>);

impl<'a> Der<'a> {
    /// The elements of an encoding.
    pub fn new(bytes: &'a [u8]) -> Answer<Der<'a>> {
        SliceReader::new(bytes).map(Der).map_err(|_| malformed())
    }

    /// The elements in the one SEQUENCE that an encoding is.
    pub fn sequence(bytes: &'a [u8]) -> Answer<Der<'a>> {
        let mut outer = Der::new(bytes)?;
        let inner = outer.enter()?;
        outer.0.is_finished().then_some(inner).ok_or_else(malformed)
    }

    fn next(&mut self) -> Answer<AnyRef<'a>> {
        AnyRef::decode(&mut self.0).map_err(|_| malformed())
    }

    /// The next element, if there is another.
    fn optional(&mut self) -> Answer<Option<AnyRef<'a>>> {
        if self.0.is_finished() { Ok(None) } else { self.next().map(Some) }
    }

    /// The value of the next element, which has this tag.
    fn take(&mut self, tag: Tag) -> Answer<&'a [u8]> {
        let next = self.next()?;
        if next.tag() == tag { Ok(next.value()) } else { Err(malformed()) }
    }

    /// The elements of a SEQUENCE.
    pub fn enter(&mut self) -> Answer<Der<'a>> {
        Der::new(self.take(Tag::Sequence)?)
    }

    /// The content of an OBJECT IDENTIFIER.
    pub fn oid(&mut self) -> Answer<&'a [u8]> {
        self.take(Tag::ObjectIdentifier)
    }

    /// The content of an OCTET STRING.
    pub fn octets(&mut self) -> Answer<&'a [u8]> {
        self.take(Tag::OctetString)
    }

    /// A small INTEGER.
    pub fn number(&mut self) -> Answer<u32> {
        number(self.next()?)
    }
}

fn number(element: AnyRef<'_>) -> Answer<u32> {
    element.decode_as().map_err(|_| malformed())
}

fn malformed() -> Damage {
    "a sealed attribute has a malformed encoding".into()
}

/// PBKDF2-params.
pub struct Pbkdf2<'a> {
    salt: &'a [u8],
    iterations: u32,
    hash: Hash,
}

impl<'a> Pbkdf2<'a> {
    /// An AlgorithmIdentifier of PBKDF2.
    pub fn read(parent: &mut Der<'a>) -> Answer<Pbkdf2<'a>> {
        let mut algorithm = parent.enter()?;
        if algorithm.oid()? != oid::PBKDF2 {
            return Err("a sealed attribute's key derivation is not PBKDF2".into());
        }
        let mut params = algorithm.enter()?;
        let (salt, iterations) = (params.octets()?, params.number()?);
        let mut prf = params.optional()?;
        // keyLength: the cipher says the same.
        if prf.is_some_and(|element| element.tag() == Tag::Integer) {
            prf = params.optional()?;
        }
        let hash = match prf {
            None => Hash::Sha1,
            Some(prf) => {
                let name = Der::new(prf.value())?.oid()?;
                let known = PRFS.iter().find(|(oid, _)| *oid == name).map(|(_, hash)| *hash);
                known.ok_or(Damage::from("a sealed attribute's key derivation has an unknown hash"))?
            }
        };
        match iterations <= MAX_ITERATIONS {
            true => Ok(Pbkdf2 { salt, iterations, hash }),
            false => Err(Damage(format!("a sealed attribute asks for {iterations} iterations of PBKDF2"))),
        }
    }

    /// A key of `len` bytes.
    pub fn key(&self, password: &[u8], len: usize) -> Answer<SecretBytes> {
        let mut key = SecretBytes::zeroed(len).map_err(|_| Damage::from("out of memory"))?;
        pbkdf2(self.hash, password, self.salt, self.iterations, &mut key)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PBKDF2 with salt 01 02, 3 iterations, 32 bytes, HMAC-SHA-256.
    const SAMPLE: &[u8] = &[
        0x30, 0x25, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12, 0x30, 0x18, 0x04, 2, 1, 2,
        0x02, 1, 3, 0x02, 1, 32, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9, 0x05, 0,
    ];

    #[test]
    fn parameters_are_read() {
        let read = Pbkdf2::read(&mut Der::new(SAMPLE).unwrap()).unwrap();
        assert_eq!((read.salt, read.iterations, read.hash), (&[1, 2][..], 3, Hash::Sha256));
        assert_eq!(read.key(b"pw", 32).unwrap().len(), 32);
    }

    #[test]
    fn truncated_and_changed_parameters_do_no_harm() {
        for end in 0..SAMPLE.len() {
            assert!(Der::new(&SAMPLE[..end]).and_then(|mut der| Pbkdf2::read(&mut der)).is_err());
        }
        for at in 0..SAMPLE.len() * 8 {
            let mut flipped = SAMPLE.to_vec();
            flipped[at / 8] ^= 1 << (at % 8);
            let _ = Der::new(&flipped).and_then(|mut der| Pbkdf2::read(&mut der).map(drop));
        }
    }
}
