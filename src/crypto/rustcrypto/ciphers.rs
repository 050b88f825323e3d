//! What the RustCrypto crates lend to the modes, and the modes over it.

use super::super::modes::{
    self, AES_KEY_SIZE, BlockMode, CcmParts, Chain, Ciphers, Direction, Running, SHORT, Segment, Shifted,
};
use super::aes::SecretKey;
use super::ccm;
use super::{Error, Result};
use ::aes::cipher::common::{InnerInit, InnerIvInit};
use ::aes::cipher::consts::U16;
use ::aes::cipher::inout::InOutBuf;
use ::aes::cipher::{
    Block, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyInit, StreamCipher,
};
use ::aes::{Aes128, Aes192, Aes256};
use ::cmac::Mac;
use des::TdesEde3;
use std::sync::Arc;

/// The RustCrypto crates by name.
pub enum RustCrypto {}

/// MACs made of a block cipher's chain.
pub type BlockMac = modes::BlockMac<RustCrypto>;
/// A running AES-CCM.
pub type Ccm = modes::Ccm<RustCrypto>;
/// A running CBC with ciphertext stealing.
pub type Cts = modes::Cts<RustCrypto>;
/// A running triple DES.
pub type Des3 = modes::Des3<RustCrypto>;
/// A running OFB or CFB.
pub type Feedback = modes::Feedback<RustCrypto>;
/// A running AES-XTS.
pub type Xts = modes::Xts<RustCrypto>;

/// AES under an expanded key of any size. A clone shares it; the last one wipes it.
///
/// One type for three sizes of key, so that each mode is compiled once: the size is looked up once for a run of blocks.
#[derive(Clone)]
pub struct Aes(Arc<Expanded>);

enum Expanded {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

impl Aes {
    /// Expands a key of 16, 24 or 32 bytes ([`Error::KeySize`]).
    pub(super) fn new(key: &[u8]) -> Result<Aes> {
        const WRONG: fn(::aes::cipher::InvalidLength) -> Error = |_| AES_KEY_SIZE;
        let expanded = match key.len() {
            16 => Expanded::Aes128(Aes128::new_from_slice(key).map_err(WRONG)?),
            24 => Expanded::Aes192(Aes192::new_from_slice(key).map_err(WRONG)?),
            32 => Expanded::Aes256(Aes256::new_from_slice(key).map_err(WRONG)?),
            _ => return Err(AES_KEY_SIZE),
        };
        Ok(Aes(Arc::new(expanded)))
    }
}

impl BlockSizeUser for Aes {
    type BlockSize = U16;
}

impl BlockCipherEncrypt for Aes {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
        match &*self.0 {
            Expanded::Aes128(aes) => aes.encrypt_with_backend(f),
            Expanded::Aes192(aes) => aes.encrypt_with_backend(f),
            Expanded::Aes256(aes) => aes.encrypt_with_backend(f),
        }
    }
}

impl BlockCipherDecrypt for Aes {
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U16>) {
        match &*self.0 {
            Expanded::Aes128(aes) => aes.decrypt_with_backend(f),
            Expanded::Aes192(aes) => aes.decrypt_with_backend(f),
            Expanded::Aes256(aes) => aes.decrypt_with_backend(f),
        }
    }
}

impl modes::Block for Aes {
    fn encrypt(&self, block: &mut [u8; 16]) {
        self.encrypt_block(block.into());
    }
    fn decrypt(&self, block: &mut [u8; 16]) {
        self.decrypt_block(block.into());
    }
}

/// A block cipher in ECB or CBC, in one direction.
pub enum Blocks<C: BlockCipherEncrypt + BlockCipherDecrypt> {
    EcbEncrypt(C),
    EcbDecrypt(C),
    CbcEncrypt(cbc::Encryptor<C>),
    CbcDecrypt(cbc::Decryptor<C>),
}

impl<C: BlockCipherEncrypt + BlockCipherDecrypt> Blocks<C> {
    fn ecb(cipher: C, direction: Direction) -> Self {
        match direction {
            Direction::Encrypt => Blocks::EcbEncrypt(cipher),
            Direction::Decrypt => Blocks::EcbDecrypt(cipher),
        }
    }

    fn cbc(cipher: C, direction: Direction, iv: &Block<C>) -> Self {
        match direction {
            Direction::Encrypt => Blocks::CbcEncrypt(cbc::Encryptor::inner_iv_init(cipher, iv)),
            Direction::Decrypt => Blocks::CbcDecrypt(cbc::Decryptor::inner_iv_init(cipher, iv)),
        }
    }

    fn run(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<()> {
        let (blocks, rest) = data.into_chunks::<C::BlockSize>();
        if !rest.is_empty() {
            return Err(Error::DataLength);
        }
        match self {
            Blocks::EcbEncrypt(cipher) => cipher.encrypt_blocks_inout(blocks),
            Blocks::EcbDecrypt(cipher) => cipher.decrypt_blocks_inout(blocks),
            Blocks::CbcEncrypt(chain) => chain.encrypt_blocks_inout(blocks),
            Blocks::CbcDecrypt(chain) => chain.decrypt_blocks_inout(blocks),
        }
        Ok(())
    }
}

/// CTR that counts in all bits of the block.
pub(super) type Ctr128 = ctr::Ctr128BE<Aes>;

/// The keystream that begins with this counter block.
pub(super) fn counting(aes: Aes, block: &[u8; 16]) -> Ctr128 {
    Ctr128::from_core(ctr::CtrCore::inner_iv_init(aes, block.into()))
}

/// A block cipher in a mode.
pub enum Cipher {
    Aes(Blocks<Aes>),
    Des3(Box<Blocks<TdesEde3>>),
    /// The cipher beside its keystream, to begin another.
    Ctr(Aes, Ctr128),
}

impl Cipher {
    fn run(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<()> {
        match self {
            Cipher::Aes(blocks) => blocks.run(data),
            Cipher::Des3(blocks) => blocks.run(data),
            Cipher::Ctr(_, stream) => stream.try_apply_keystream_inout(data).map_err(|_| Error::DataLength),
        }
    }
}

impl Running for Cipher {
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        let out = out.get_mut(..input.len()).ok_or(SHORT)?;
        self.run(InOutBuf::new(input, out).map_err(|_| SHORT)?)
    }
}

impl Chain for Cipher {
    fn update_in_place(&mut self, data: &mut [u8]) -> Result<()> {
        self.run(data.into())
    }

    fn set_iv(&mut self, iv: &[u8; 16]) -> Result<()> {
        let Cipher::Ctr(aes, stream) = self else {
            return Err(Error::Internal("another IV for a mode that needs none"));
        };
        *stream = counting(aes.clone(), iv);
        Ok(())
    }
}

impl Ciphers for RustCrypto {
    type Chain = Cipher;
    type Block = Aes;
    type Feedback = Shifted<Aes>;
    type Key = SecretKey;

    fn aes(mode: BlockMode, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Cipher> {
        let aes = Aes::new(key)?;
        Ok(match mode {
            BlockMode::Ecb => Cipher::Aes(Blocks::ecb(aes, direction)),
            BlockMode::Cbc => Cipher::Aes(Blocks::cbc(aes, direction, iv.into())),
            BlockMode::Ctr => Cipher::Ctr(aes.clone(), counting(aes, iv)),
        })
    }

    fn des3(mode: BlockMode, direction: Direction, key: &[u8; 24], iv: &[u8; 8]) -> Result<Cipher> {
        let des = TdesEde3::new(key.into());
        let blocks = match mode {
            BlockMode::Ecb => Blocks::ecb(des, direction),
            BlockMode::Cbc => Blocks::cbc(des, direction, iv.into()),
            BlockMode::Ctr => return Err(Error::Internal("triple DES has no such mode here")),
        };
        Ok(Cipher::Des3(Box::new(blocks)))
    }

    fn block(key: &[u8]) -> Result<Aes> {
        Aes::new(key)
    }

    fn feedback(segment: Segment, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Shifted<Aes>> {
        Ok(Shifted::new(Aes::new(key)?, segment, direction, iv))
    }

    fn ccm_seal(parts: CcmParts<'_>, input: &[u8], out: &mut [u8], tag: &mut [u8]) -> Result<()> {
        ccm::seal(parts, input, out, tag)
    }

    fn ccm_open(parts: CcmParts<'_>, input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()> {
        ccm::open(parts, input, tag, out)
    }
}

/// A running AES-CMAC (RFC 4493, SP 800-38B).
#[derive(Clone)]
pub struct Cmac(::cmac::Cmac<Aes>);

impl Cmac {
    /// Length of the MAC in bytes.
    pub const LEN: usize = 16;

    /// An empty message under an AES key of 16, 24 or 32 bytes ([`Error::KeySize`] otherwise).
    pub fn new(key: &[u8]) -> Result<Cmac> {
        Ok(Cmac(::cmac::Cmac::inner_init(Aes::new(key)?)))
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        Mac::update(&mut self.0, part);
        Ok(())
    }

    /// The MAC of the message so far; the next message starts empty, under the same key.
    pub fn finish(&mut self) -> Result<[u8; Cmac::LEN]> {
        Ok(self.0.finalize_reset().into_bytes().into())
    }
}
