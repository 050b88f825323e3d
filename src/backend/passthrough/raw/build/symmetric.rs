//! The parameters of symmetric ciphers, of their MACs and of derivation by them.

use std::ffi::c_void;

use super::{bytes, place};
use crate::mechanism::Params;
use crate::mechanism::params::Kdf;
use crate::types::ck;

/// A parameter structure, which borrows from the parsed parameters.
pub(super) enum Block {
    MacGeneral(Box<ck::CK_MAC_GENERAL_PARAMS>),
    Ccm(Box<ck::CK_CCM_PARAMS>),
    StringData(Box<ck::CK_KEY_DERIVATION_STRING_DATA>),
    AesCbcData(Box<ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS>),
    DesCbcData(Box<ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS>),
    /// The block counter lies beside the structure that points to it.
    ChaCha20(Box<ck::CK_CHACHA20_PARAMS>, #[allow(dead_code)] Box<[u8; 8]>),
    ChaCha20Poly1305(Box<ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS>),
}

/// `None` for parameters of other families.
pub(super) fn block(params: &Params) -> Option<Block> {
    Some(match params {
        Params::MacGeneral(len) => Block::MacGeneral(Box::new(*len)),
        Params::Ccm { data_len, nonce, aad, mac_len } => {
            let ((nonce, nonce_len), (aad, aad_len)) = (bytes(nonce), bytes(aad));
            Block::Ccm(Box::new(ck::CK_CCM_PARAMS {
                ulDataLen: *data_len,
                pNonce: nonce,
                ulNonceLen: nonce_len,
                pAAD: aad,
                ulAADLen: aad_len,
                ulMACLen: *mac_len,
            }))
        }
        Params::Kdf(kdf) => {
            let Kdf::StringData(data) = &**kdf else { return None };
            let (data, len) = bytes(data);
            Block::StringData(Box::new(ck::CK_KEY_DERIVATION_STRING_DATA { pData: data, ulLen: len }))
        }
        Params::CbcData { iv, data } => {
            let (data, length) = bytes(data);
            match iv.as_slice().try_into() {
                Ok(iv) => Block::DesCbcData(Box::new(ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS {
                    iv,
                    pData: data,
                    length,
                })),
                Err(_) => Block::AesCbcData(Box::new(ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS {
                    iv: iv.as_slice().try_into().ok()?,
                    pData: data,
                    length,
                })),
            }
        }
        Params::ChaCha20 { counter, counter_bits, nonce } => {
            let mut counter = Box::new(counter.to_le_bytes());
            let (nonce, len) = bytes(nonce);
            let block = ck::CK_CHACHA20_PARAMS {
                pBlockCounter: counter.as_mut_ptr(),
                blockCounterBits: *counter_bits,
                pNonce: nonce,
                ulNonceBits: len * 8,
            };
            Block::ChaCha20(Box::new(block), counter)
        }
        Params::ChaCha20Poly1305 { nonce, aad } => {
            let ((nonce, nonce_len), (aad, aad_len)) = (bytes(nonce), bytes(aad));
            Block::ChaCha20Poly1305(Box::new(ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS {
                pNonce: nonce,
                ulNonceLen: nonce_len * 8,
                pAAD: aad,
                ulAADLen: aad_len,
            }))
        }
        _ => return None,
    })
}

impl Block {
    /// Where the structure lies, and its length in bytes.
    pub(super) fn place(&mut self) -> (*mut c_void, usize) {
        match self {
            Block::MacGeneral(block) => place(&mut **block),
            Block::Ccm(block) => place(&mut **block),
            Block::StringData(block) => place(&mut **block),
            Block::AesCbcData(block) => place(&mut **block),
            Block::DesCbcData(block) => place(&mut **block),
            Block::ChaCha20(block, _) => place(&mut **block),
            Block::ChaCha20Poly1305(block) => place(&mut **block),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ulong;

    #[test]
    fn structures_point_to_their_parameters() {
        let (iv, data) = ([7; 16], vec![1, 2, 3]);
        let params = Params::CbcData { iv: iv[..8].into(), data: data.clone() };
        let Some(Block::DesCbcData(block)) = block(&params) else { panic!("not the structure of DES") };
        assert_eq!((block.iv, block.length), ([7; 8], 3));
        let params = Params::CbcData { iv: iv[..].into(), data };
        assert!(matches!(super::block(&params), Some(Block::AesCbcData(block)) if block.iv == iv));
        let params = Params::ChaCha20 { counter: 0x0102, counter_bits: 32, nonce: iv[..12].into() };
        let Some(Block::ChaCha20(block, counter)) = super::block(&params) else { panic!("not ChaCha20") };
        assert_eq!(block.pBlockCounter.cast_const(), counter.as_ptr());
        assert_eq!((*counter, block.ulNonceBits), ([2, 1, 0, 0, 0, 0, 0, 0], ulong(96)));
        assert!(super::block(&Params::None).is_none());
    }
}
