//! What the operations of the model give, from AWS-LC itself: the model is about sequences, not about ciphers.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{digest, hmac};

use crate::step::Kind;

pub const CBC_BLOCK: usize = 16;
pub const IV: [u8; 16] = [0x5a; 16];

/// The value of the object with this number: 32 bytes, no two alike.
pub fn value(number: usize) -> Vec<u8> {
    let mut value = vec![0x33; 24];
    value.extend(u64::try_from(number).unwrap().to_be_bytes());
    value
}

/// So many bytes of input.
pub fn input(length: u8) -> Vec<u8> {
    (0..length).collect()
}

/// The whole output for all data. Of a verification it is the signature to give.
pub fn result(kind: Kind, key: usize, data: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Digest => digest::digest(&digest::SHA256, data).as_ref().to_vec(),
        Kind::Sign | Kind::Verify => {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &value(key)), data).as_ref().to_vec()
        }
        Kind::Encrypt => {
            let key = UnboundCipherKey::new(&AES_256, &value(key)).unwrap();
            let mut sealed = data.to_vec();
            PaddedBlockEncryptingKey::cbc_pkcs7(key)
                .unwrap()
                .less_safe_encrypt(&mut sealed, EncryptionContext::Iv128(FixedLength::from(IV)))
                .unwrap();
            sealed
        }
    }
}
