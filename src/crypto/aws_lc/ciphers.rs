//! What AWS-LC lends to the modes, and the modes over it.

use super::super::modes::{
    self, Block, BlockMode, CcmParts, Chain, Ciphers, Direction, Running, Segment, Shifted, Tagging,
};
use super::Result;
use super::aes::SecretKey;
use super::raw::{self, AesBlock, Cipher, FeedbackMode};

/// AWS-LC by name.
pub enum AwsLc {}

/// MACs made of a block cipher's chain.
pub type BlockMac = modes::BlockMac<AwsLc>;
/// A running AES-CCM.
pub type Ccm = modes::Ccm<AwsLc>;
/// A running CBC with ciphertext stealing.
pub type Cts = modes::Cts<AwsLc>;
/// A running triple DES.
pub type Des3 = modes::Des3<AwsLc>;
/// A running OFB or CFB.
pub type Feedback = modes::Feedback<AwsLc>;
/// A running AES-XTS.
pub type Xts = modes::Xts<AwsLc>;

impl Running for Cipher {
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        Cipher::update(self, input, out)
    }
}

impl Chain for Cipher {
    fn update_in_place(&mut self, data: &mut [u8]) -> Result<()> {
        Cipher::update_in_place(self, data)
    }
    fn set_iv(&mut self, iv: &[u8; 16]) -> Result<()> {
        Cipher::set_iv(self, iv)
    }
}

impl Tagging for Cipher {
    fn tag(&mut self, tag: &mut [u8]) -> Result<()> {
        Cipher::tag(self, tag)
    }
}

impl Block for AesBlock {
    fn encrypt(&self, block: &mut [u8; 16]) {
        AesBlock::encrypt(self, block);
    }
    fn decrypt(&self, block: &mut [u8; 16]) {
        AesBlock::decrypt(self, block);
    }
}

/// AWS-LC's feedback, or the one it lacks.
pub enum OwnFeedback {
    Cipher(Cipher),
    Half(Shifted<AesBlock>),
}

impl Running for OwnFeedback {
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        match self {
            OwnFeedback::Cipher(cipher) => cipher.update(input, out),
            OwnFeedback::Half(shifted) => shifted.update(input, out),
        }
    }
}

fn encrypts(direction: Direction) -> bool {
    direction == Direction::Encrypt
}

impl Ciphers for AwsLc {
    type Chain = Cipher;
    type Block = AesBlock;
    type Feedback = OwnFeedback;
    type Key = SecretKey;

    fn aes(mode: BlockMode, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Cipher> {
        Cipher::block(mode, encrypts(direction), key, iv)
    }

    fn des3(mode: BlockMode, direction: Direction, key: &[u8; 24], iv: &[u8; 8]) -> Result<Cipher> {
        Cipher::des3(mode, encrypts(direction), key, iv)
    }

    fn block(key: &[u8]) -> Result<AesBlock> {
        AesBlock::new(key)
    }

    fn feedback(segment: Segment, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<OwnFeedback> {
        let mode = match segment {
            Segment::Output => FeedbackMode::Ofb,
            Segment::Bit => FeedbackMode::Cfb1,
            Segment::Byte => FeedbackMode::Cfb8,
            Segment::Block => FeedbackMode::Cfb128,
            Segment::Half => {
                return Ok(OwnFeedback::Half(Shifted::new(AesBlock::new(key)?, segment, direction, iv)));
            }
        };
        Cipher::feedback(mode, encrypts(direction), key, iv).map(OwnFeedback::Cipher)
    }

    fn ccm_seal(parts: CcmParts<'_>, input: &[u8], out: &mut [u8], tag: &mut [u8]) -> Result<()> {
        raw::ccm_seal(parts, input, out, tag)
    }

    fn ccm_open(parts: CcmParts<'_>, input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()> {
        raw::ccm_open(parts, input, tag, out)
    }
}
