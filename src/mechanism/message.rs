//! Messages of the message-based functions (PKCS#11 v3.2, sections 5.9 and 5.11): each brings its nonce, and its tag
//! lies beside the ciphertext.
//!
//! A message is an ordinary operation whose parameter comes with the message. So a row that encrypts messages says
//! only how the two parameters correspond ([`MessageForm`]); the same holds for C_WrapKeyAuthenticated.

use crate::crypto;
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

use super::params::{Iv, Params};

/// Which C type a message's `pParameter` points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// `CK_GCM_MESSAGE_PARAMS`.
    Gcm,
    /// `CK_CCM_MESSAGE_PARAMS`.
    Ccm,
    /// `CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS`.
    ChaCha20Poly1305,
}

/// How a mechanism takes messages. The row's `encrypt` and `decrypt` do the work: encryption puts out as many bytes as
/// go in, with each part or all at the end, and ends with the tag; decryption takes the tag behind the ciphertext and
/// puts nothing out before it was checked.
#[derive(Debug, Clone, Copy)]
pub struct MessageForm {
    /// The structure that comes with each message.
    pub kind: MessageKind,
    /// The parameter of an ordinary operation for one message with this associated data.
    pub params: fn(&Message, &[u8]) -> Result<Params>,
}

/// One message's parameter.
#[derive(Debug, Clone)]
pub struct Message {
    /// The plaintext's length in bytes, where the structure tells it; 0 elsewhere.
    pub data_len: usize,
    /// The IV or nonce: the caller's, or what its generator is given to work on; after encryption the one in use.
    pub iv: Iv,
    /// How many of its first bits a generator leaves as they are.
    pub fixed_bits: usize,
    /// `CKG_...`
    pub generator: ck::CK_GENERATOR_FUNCTION,
    /// The tag's length in bytes.
    pub tag_len: usize,
    /// The tag: the caller's for decryption, the message's after encryption.
    pub tag: Iv,
}

impl Message {
    /// A message that is never made: with it, an Init asks whether key and mechanism fit.
    pub fn probe() -> Message {
        let (iv, tag) = (Iv::from_slice(&[0; 12]), Iv::new());
        Message { data_len: 0, iv, fixed_bits: 0, generator: ck::CKG_NO_GENERATE, tag_len: 16, tag }
    }
}

/// What makes the IVs of one message-based encryption (`CKG_...`, section 6.13.2).
///
/// CKG_GENERATE is the RBG-based construction of SP 800-38D, section 8.2.2: random bits at first, incremented from
/// message to message. The counters start at zero with each C_MessageEncryptInit, as the specification has it: who uses
/// them begins once per key, or tells its beginnings apart in the fixed bits.
#[derive(Debug, Clone, Default)]
pub struct IvGenerator {
    counter: u64,
    /// Which of the two generators it counts for.
    counts_for: Option<ck::CK_GENERATOR_FUNCTION>,
    /// The last IV of CKG_GENERATE, how many of its bits are fixed, and how many it made since the random one.
    incremented: Option<(Iv, usize, u64)>,
    /// What CKG_GENERATE_COUNTER_XOR was given first, its fixed bits zero.
    base: Option<(Iv, usize)>,
}

/// CKG_GENERATE makes no IV with fewer bits of its own, unless all of them are, which has to be good enough by the
/// specification (the shortest nonce of CCM has 56): an accident would repeat them.
const MIN_INCREMENTED: usize = 64;
/// CKG_GENERATE_RANDOM, likewise: after 2^32 messages with so few, two would share an IV.
const MIN_RANDOM: usize = 64;

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
}

impl IvGenerator {
    /// Makes the message's IV where its parameter asks for that. CKR_MECHANISM_PARAM_INVALID; CKR_KEY_EXHAUSTED once
    /// an IV would come a second time.
    pub fn make(&mut self, message: &mut Message) -> Result<()> {
        if message.generator == ck::CKG_NO_GENERATE {
            return Ok(());
        }
        let free = free_bits(message)?;
        match message.generator {
            ck::CKG_GENERATE => self.increment(&mut message.iv, free),
            ck::CKG_GENERATE_RANDOM if free < MIN_RANDOM => {
                Err(invalid("CKG_GENERATE_RANDOM: ulIvFixedBits leaves fewer than 64 bits"))
            }
            ck::CKG_GENERATE_RANDOM => randomize(&mut message.iv, free),
            ck::CKG_GENERATE_COUNTER => {
                clear_last(&mut message.iv, free);
                xor_last(&mut message.iv, self.count(message.generator, free)?);
                Ok(())
            }
            ck::CKG_GENERATE_COUNTER_XOR => {
                self.expect_base(&message.iv, free)?;
                xor_last(&mut message.iv, self.count(message.generator, free)?);
                Ok(())
            }
            _ => Err(invalid("ivGenerator is none of CKG_NO_GENERATE to CKG_GENERATE_COUNTER_XOR")),
        }
    }

    /// The counter's value for this message. The two generators write it differently: from one counter, both could come
    /// to the same IV.
    fn count(&mut self, generator: ck::CK_GENERATOR_FUNCTION, free: usize) -> Result<u64> {
        if *self.counts_for.get_or_insert(generator) != generator {
            return Err(invalid(
                "ivGenerator: CKG_GENERATE_COUNTER and _COUNTER_XOR do not mix under one Init",
            ));
        }
        let value = self.counter;
        expect_below(value, free)?;
        self.counter += 1;
        Ok(value)
    }

    fn increment(&mut self, iv: &mut Iv, free: usize) -> Result<()> {
        if free < MIN_INCREMENTED && free < iv.len() * 8 {
            return Err(invalid("CKG_GENERATE: ulIvFixedBits leaves fewer than 64 bits"));
        }
        let made = match self.incremented.take() {
            Some((last, bits, made)) if bits == free && last.len() == iv.len() => {
                self.incremented = Some((last.clone(), bits, made));
                expect_below(made, free)?;
                copy_last(iv, &last, free);
                add_one(iv, free);
                made + 1
            }
            _ => {
                randomize(iv, free)?;
                1
            }
        };
        self.incremented = Some((iv.clone(), free, made));
        Ok(())
    }

    /// "The value of the non-fixed portion passed must not vary from call to call": where it did, an IV might come twice.
    fn expect_base(&mut self, iv: &Iv, free: usize) -> Result<()> {
        let mut given = Iv::from_elem(0, iv.len());
        copy_last(&mut given, iv, free);
        match &self.base {
            None => {
                self.base = Some((given, free));
                Ok(())
            }
            Some((base, bits)) if *base == given && *bits == free => Ok(()),
            Some(_) => Err(invalid("CKG_GENERATE_COUNTER_XOR: the bits to count on are others than before")),
        }
    }
}

/// How many bits of the IV are the generator's.
fn free_bits(message: &Message) -> Result<usize> {
    let free = message.iv.len().saturating_mul(8).checked_sub(message.fixed_bits);
    free.filter(|free| *free > 0)
        .ok_or_else(|| invalid("ulIvFixedBits leaves the generator no bit of the IV"))
}

fn expect_below(value: u64, bits: usize) -> Result<()> {
    match bits < 64 && value >> bits != 0 {
        false => Ok(()),
        true => {
            Err(Error::new(ErrorKind::KeyExhausted, "no IV is left: every value of its free bits was used"))
        }
    }
}

/// The bytes from the last one on, each with the mask of those of its bits that are among the last `bits`.
fn last(iv: &mut [u8], bits: usize) -> impl Iterator<Item = (&mut u8, u8)> {
    let masks = (0..).map(move |at: usize| match bits.saturating_sub(8 * at).min(8) {
        8 => 0xff,
        some => (1 << some) - 1,
    });
    iv.iter_mut().rev().zip(masks).take_while(|(_, mask)| *mask != 0)
}

fn clear_last(iv: &mut [u8], bits: usize) {
    last(iv, bits).for_each(|(byte, mask)| *byte &= !mask);
}

fn copy_last(iv: &mut [u8], from: &[u8], bits: usize) {
    last(iv, bits)
        .zip(from.iter().rev())
        .for_each(|((byte, mask), from)| *byte = *byte & !mask | from & mask);
}

/// The caller saw that the value has no more bits than are free.
fn xor_last(iv: &mut [u8], value: u64) {
    iv.iter_mut().rev().zip(value.to_le_bytes()).for_each(|(byte, part)| *byte ^= part);
}

fn add_one(iv: &mut [u8], bits: usize) {
    for (byte, mask) in last(iv, bits) {
        let sum = (*byte & mask).wrapping_add(1) & mask;
        *byte = *byte & !mask | sum;
        if sum != 0 {
            return;
        }
    }
}

fn randomize(iv: &mut Iv, bits: usize) -> Result<()> {
    let mut random = Iv::from_elem(0, iv.len());
    crypto::random(&mut random)
        .map_err(|_| Error::new(ErrorKind::RandomNoRng, "the random number generator failed"))?;
    copy_last(iv, &random, bits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(generator: ck::CK_GENERATOR_FUNCTION, iv: &[u8], fixed_bits: usize) -> Message {
        Message { iv: Iv::from_slice(iv), fixed_bits, generator, ..Message::probe() }
    }

    fn made(generator: &mut IvGenerator, mut message: Message) -> Result<Vec<u8>> {
        generator.make(&mut message)?;
        Ok(message.iv.to_vec())
    }

    #[test]
    fn counters_count_in_the_free_bits_from_zero() {
        let mut ivs = IvGenerator::default();
        let mut next = || made(&mut ivs, message(ck::CKG_GENERATE_COUNTER, &[0xff, 0xff, 0xff], 20));
        for count in 0..16 {
            assert_eq!(next().unwrap(), [0xff, 0xff, 0xf0 | count]);
        }
        assert_eq!(next().unwrap_err().kind(), ErrorKind::KeyExhausted);
        let mut ivs = IvGenerator::default();
        let given = || message(ck::CKG_GENERATE_COUNTER_XOR, &[1; 12], 32);
        assert_eq!(made(&mut ivs, given()).unwrap(), [1; 12]);
        assert_eq!(made(&mut ivs, given()).unwrap()[8..], [1, 1, 1, 0]);
        assert_eq!(made(&mut ivs, given()).unwrap()[8..], [1, 1, 1, 3]);
        let other_fixed = message(ck::CKG_GENERATE_COUNTER_XOR, &[9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1], 32);
        assert_eq!(made(&mut ivs, other_fixed).unwrap(), [9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 2]);
        let varied = made(&mut ivs, message(ck::CKG_GENERATE_COUNTER_XOR, &[2; 12], 32));
        assert_eq!(varied.unwrap_err().kind(), ErrorKind::MechanismParamInvalid);
    }

    #[test]
    fn generated_ivs_keep_the_fixed_bits_and_never_repeat() {
        for (kind, fixed) in [(ck::CKG_GENERATE, 32), (ck::CKG_GENERATE, 0), (ck::CKG_GENERATE_RANDOM, 27)] {
            let (mut ivs, mut seen) = (IvGenerator::default(), std::collections::HashSet::new());
            for _ in 0..1000 {
                let iv = made(&mut ivs, message(kind, &[0xa5; 12], fixed)).unwrap();
                assert!(iv.iter().take(fixed / 8).all(|byte| *byte == 0xa5));
                if fixed == 27 {
                    assert_eq!(iv[3] >> 5, 0xa5 >> 5);
                }
                assert!(seen.insert(iv), "an IV came twice");
            }
        }
        for (kind, fixed) in
            [(ck::CKG_GENERATE, 33), (ck::CKG_GENERATE_RANDOM, 33), (ck::CKG_GENERATE_COUNTER, 96)]
        {
            let refused = made(&mut IvGenerator::default(), message(kind, &[0; 12], fixed));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::MechanismParamInvalid);
        }
        assert!(made(&mut IvGenerator::default(), message(99, &[0; 12], 0)).is_err());
        assert_eq!(
            made(&mut IvGenerator::default(), message(ck::CKG_NO_GENERATE, &[3; 5], 99)).unwrap(),
            [3; 5]
        );
    }

    #[test]
    fn the_counters_do_not_mix() {
        let mut ivs = IvGenerator::default();
        made(&mut ivs, message(ck::CKG_GENERATE_COUNTER, &[0; 12], 0)).unwrap();
        let mixed = made(&mut ivs, message(ck::CKG_GENERATE_COUNTER_XOR, &[1; 12], 0));
        assert_eq!(mixed.unwrap_err().kind(), ErrorKind::MechanismParamInvalid);
    }

    #[test]
    fn an_increment_carries_within_the_free_bits() {
        let mut iv = [0xff, 0x1f, 0xff];
        add_one(&mut iv, 13);
        assert_eq!(iv, [0xff, 0, 0]);
        add_one(&mut iv, 13);
        assert_eq!(iv, [0xff, 0, 1]);
    }
}
