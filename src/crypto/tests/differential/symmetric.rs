//! Hashes, MACs, key derivation and ciphers.

use super::super::super::modes::{AesCipher, Ciphers};
use super::super::super::rustcrypto::aes::Direction::{self, Decrypt, Encrypt};
use super::super::super::rustcrypto::aes::Mode;
use super::super::super::{Crypter, Des3Mode, Hash, Result, Segment};
use super::{Source, both, rounds, same};
use crate::types::SecretBytes;

/// Lengths of AES keys, and wrong ones.
const AES_KEYS: [usize; 9] = [16, 24, 32, 16, 24, 32, 32, 0, 31];

/// The general interface of AES.
struct Aes<P: Ciphers>(AesCipher<P>);

impl<P: Ciphers> Crypter for Aes<P> {
    fn update_len(&self, input: usize) -> usize {
        self.0.update_len(input)
    }
    fn finish_len(&self) -> usize {
        self.0.finish_len()
    }
    fn once_len(&self, input: usize) -> usize {
        self.0.once_len(input)
    }
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.0.update(input, out)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.0.finish(out)
    }
    fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.0.once(input, out)
    }
}

type Start<'a> = &'a dyn Fn(Direction) -> Result<Box<dyn Crypter>>;

fn boxed<C: Crypter + 'static>(cipher: Result<C>) -> Result<Box<dyn Crypter>> {
    cipher.map(|cipher| Box::new(cipher) as Box<dyn Crypter>)
}

fn once(cipher: Result<Box<dyn Crypter>>, input: &[u8]) -> Result<Vec<u8>> {
    let mut cipher = cipher?;
    let mut out = vec![0xee; cipher.once_len(input.len())];
    let len = cipher.once(input, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// In parts, with buffers of exactly the promised lengths.
fn stream(cipher: Result<Box<dyn Crypter>>, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let (mut cipher, mut out) = (cipher?, Vec::new());
    for part in parts {
        let mut piece = vec![0; cipher.update_len(part.len())];
        assert_eq!(cipher.update(part, &mut piece)?, piece.len());
        out.extend(piece);
    }
    let mut piece = vec![0; cipher.finish_len()];
    let len = cipher.finish(&mut piece)?;
    out.extend(&piece[..len]);
    Ok(out)
}

/// One direction by both providers, at once and in parts: what AWS-LC makes.
fn one_way(
    source: &mut Source,
    direction: Direction,
    (lc, rust): (Start, Start),
    input: &[u8],
) -> Result<Vec<u8>> {
    let parts = source.parts(input);
    let whole = once(lc(direction), input);
    same(&whole, &once(rust(direction), input), "at once");
    same(&stream(lc(direction), &parts), &stream(rust(direction), &parts), "in parts");
    if let (Ok(whole), Ok(stream)) = (&whole, stream(rust(direction), &parts)) {
        assert_eq!(*whole, stream, "at once and in parts");
    }
    whole
}

/// Both directions, each provider opening what the other sealed; then what was changed on the way.
fn both_ways(source: &mut Source, starts: (Start, Start)) {
    let plain = source.message();
    let Ok(sealed) = one_way(source, Encrypt, starts, &plain) else { return };
    assert_eq!(one_way(source, Decrypt, starts, &sealed).as_deref(), Ok(&plain[..]), "decrypted again");
    let mut changed = sealed;
    match source.below(3) {
        0 if !changed.is_empty() => {
            let at = source.below(changed.len());
            changed[at] ^= 1 << source.below(8);
        }
        1 => changed.truncate(source.below(changed.len() + 1)),
        _ => changed.extend(source.message()),
    }
    let _ = one_way(source, Decrypt, starts, &changed);
}

#[test]
fn digests() {
    for hash in Hash::ALL {
        rounds("digests", 40, |source| {
            let message = source.message();
            let parts = source.parts(&message);
            let at = source.below(parts.len() + 1);
            let (lc, rust) = both!(provider => {
                let mut running = provider::Digest::new(hash);
                parts[..at].iter().for_each(|part| running.update(part));
                let mut copy = running.clone();
                parts[at..].iter().for_each(|part| copy.update(part));
                let saved = running.save();
                if let Some(saved) = &saved {
                    let mut restored = provider::Digest::restore(hash, saved).unwrap();
                    parts[at..].iter().for_each(|part| restored.update(part));
                    assert_eq!(*restored.value(), *provider::digest(hash, &message));
                }
                assert_eq!(*copy.value(), *provider::digest(hash, &message));
                let mut next = vec![0; hash.len()];
                copy.finish_with(&message, &mut next).unwrap();
                copy.update(&next);
                assert!(copy.clone().finish(&mut next[1..]).is_err());
                copy.finish(&mut next).unwrap();
                assert_eq!(copy.hash(), hash);
                (next, saved)
            });
            assert_eq!(lc.0, rust.0, "{}", hash.name());
            assert_eq!(lc.1.is_some(), rust.1.is_some(), "{}", hash.name());
            let (Some(lc), Some(rust)) = (lc.1, rust.1) else { return };
            // Each has its own form, and takes no other.
            assert!(crate::crypto::aws_lc::Digest::restore(hash, &rust).is_none());
            assert!(crate::crypto::rustcrypto::Digest::restore(hash, &lc).is_none());
        });
    }
}

/// States that nobody saved: refused, or at least the hash of something else.
#[test]
fn forged_states() {
    use crate::crypto::rustcrypto::Digest;
    const SAVED: [Hash; 4] = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512_224];
    rounds("forged states", 300, |source| {
        let hash = source.one_of(&SAVED);
        let mut running = Digest::new(hash);
        running.update(&source.message());
        let saved = running.save().unwrap().to_vec();
        let changed = |at: usize, byte: u8| {
            let mut forged = saved.clone();
            forged[at] = byte;
            Digest::restore(hash, &forged)
        };
        // The highest byte of the number of blocks, and the position in the block that follows it.
        let block = saved.len() - hash.block_len();
        assert!(changed(block - 1, 1).is_none() && changed(block, 0xff).is_none(), "{}", hash.name());
        assert!(Digest::restore(hash, &saved[..source.below(saved.len())]).is_none());
        assert!(Digest::restore(hash, &[&saved[..], &[0]].concat()).is_none());
        let at = source.below(saved.len());
        if let Some(mut other) = changed(at, !saved[at]) {
            other.update(&source.message());
            assert_ne!(*other.value(), *running.clone().value());
        }
    });
}

#[test]
fn hmacs() {
    for hash in Hash::ALL {
        rounds("HMAC", 40, |source| {
            let (key, message) = (source.message(), source.message());
            let parts = source.parts(&message);
            let (lc, rust) = both!(provider => {
                let mut mac = provider::Hmac::new(hash, &key).unwrap();
                [0, 1].map(|_| {
                    parts.iter().for_each(|part| mac.update(part).unwrap());
                    let mut value = vec![0; mac.len()];
                    mac.finish(&mut value).unwrap();
                    value
                })
            });
            assert_eq!(lc, rust, "{}", hash.name());
            let (lc, rust) = both!(provider => provider::hmac_sha256(&key, &parts));
            assert_eq!(lc, rust);
            let short = source.below(hash.len());
            let (lc, rust) = both!(provider => {
                provider::Hmac::new(hash, &key).unwrap().finish(&mut vec![0; short])
            });
            same(&lc, &rust, "a buffer that is too short");
        });
    }
}

#[test]
fn macs() {
    rounds("MACs", 400, |source| {
        let key_len = source.one_of(&[16, 24, 32, 8, 0, 33]);
        let (key, message) = (source.bytes(key_len), source.message());
        let parts = source.parts(&message);
        macro_rules! block_macs {
            ($($name:ident),*) => {$(
                let (lc, rust) = both!(provider => provider::BlockMac::$name(&key).and_then(|mut mac| {
                    parts.iter().for_each(|part| mac.update(part).unwrap());
                    mac.finish()
                }));
                same(&lc, &rust, stringify!($name));
            )*};
        }
        block_macs!(aes_cbc, aes_xcbc, des3_cbc, des3_cmac);
        let (lc, rust) = both!(provider => provider::Cmac::new(&key).and_then(|mut mac| {
            parts.iter().for_each(|part| mac.update(part).unwrap());
            let first = mac.clone().finish()?;
            assert_eq!(mac.finish()?, first);
            mac.update(&key)?;
            Ok((first, mac.finish()?, provider::Cmac::LEN))
        }));
        same(&lc, &rust, "CMAC");
        let (iv, tag_len) = (source.message(), source.below(19));
        let (lc, rust) = both!(provider => provider::Gmac::new(&key, &iv, tag_len).and_then(|mut mac| {
            parts.iter().for_each(|part| mac.update(part).unwrap());
            mac.finish()
        }));
        same(&lc, &rust, "GMAC");
        let (lc, rust) = both!(provider => provider::Poly1305::new(&key).map(|mut mac| {
            parts.iter().for_each(|part| mac.update(part));
            mac.finish()
        }));
        same(&lc, &rust, "Poly1305");
    });
}

#[test]
fn derived_keys() {
    for hash in Hash::ALL {
        rounds("derived keys", 40, |source| {
            let (secret, salt, info) = (source.message(), source.message(), source.message());
            let most = source.one_of(&[1, 40, 300, 255 * hash.len() + 2]);
            let len = source.below(most);
            let iterations = u32::try_from(source.below(4)).unwrap();
            let name = hash.name();
            let (lc, rust) =
                both!(provider => provider::hkdf_extract(hash, &secret, &salt).map(|key| key.to_vec()));
            same(&lc, &rust, name);
            let filled = |fill: &dyn Fn(&mut [u8]) -> Result<()>| {
                let mut out = vec![0xee; len];
                fill(&mut out).map(|()| out)
            };
            let (lc, rust) =
                both!(provider => filled(&|out| provider::hkdf_expand_into(hash, &secret, &info, out)));
            same(&lc, &rust, name);
            let (lc, rust) = both!(provider => filled(&|out| {
                provider::pbkdf2(hash, &secret, &salt, iterations, out)
            }));
            same(&lc, &rust, name);
            let tls = if source.one_in(3) { None } else { Some(hash) };
            let (lc, rust) =
                both!(provider => filled(&|out| provider::tls_prf(tls, &secret, &salt, &info, out)));
            same(&lc, &rust, name);
            let (lc, rust) = both!(provider => provider::hkdf_expand(&secret, &info).map(|key| key.to_vec()));
            same(&lc, &rust, "HKDF-SHA-256");
        });
    }
}

/// A mode with parameters that are right more often than not.
fn mode<'a>(
    source: &mut Source,
    block: &'a mut [u8; 16],
    iv: &'a mut Vec<u8>,
    aad: &'a mut Vec<u8>,
) -> Mode<'a> {
    let kind = source.below(6);
    *block = source.array();
    match kind {
        0 => Mode::Ecb,
        1 => Mode::Cbc { iv: block },
        2 => Mode::CbcPad { iv: block },
        3 => {
            // Often a few blocks before the end of so many bits.
            let counter_bits = u32::try_from(source.below(131)).unwrap();
            if !source.one_in(3) {
                let counted = 1u128.checked_shl(counter_bits).unwrap_or(0).wrapping_sub(1);
                let back = source.below(8) as u128;
                *block = ((u128::from_be_bytes(*block) | counted) - (back & counted)).to_be_bytes();
            }
            Mode::Ctr { block, counter_bits }
        }
        _ => {
            *iv = if source.one_in(2) { source.bytes(12) } else { source.message() };
            *aad = source.message();
            let tag_len = if source.one_in(2) { 16 } else { source.below(19) };
            Mode::Gcm { iv, aad, tag_len }
        }
    }
}

#[test]
fn aes() {
    rounds("AES", 1500, |source| {
        let key_len = source.one_of(&AES_KEYS);
        let key = source.bytes(key_len);
        let (mut block, mut iv, mut aad) = ([0; 16], Vec::new(), Vec::new());
        let mode = mode(source, &mut block, &mut iv, &mut aad);
        let (lc, rust) = both!(provider => {
            let value = SecretBytes::from(&key[..]);
            let key = provider::SecretKey::from(value.clone());
            assert_eq!(*key.value(), value);
            move |direction| boxed(provider::aes::AesCipher::new(mode, direction, &key).map(Aes))
        });
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn key_wrap() {
    rounds("key wrap", 400, |source| {
        let key_len = source.one_of(&AES_KEYS);
        let (key, mut data) = (source.bytes(key_len), source.message());
        if source.one_in(2) {
            data.truncate(data.len() / 8 * 8);
        }
        let long = source.one_in(2).then(|| source.array());
        let short = source.one_in(2).then(|| source.array());
        let (lc, rust) = both!(provider => (
            provider::aes::wrap(&key, long, &data),
            provider::aes::wrap_pad(&key, short, &data),
        ));
        same(&lc.0, &rust.0, "wrapped");
        same(&lc.1, &rust.1, "wrapped with padding");
        let mut plain = source.message();
        for wrapped in [lc.0, lc.1].into_iter().flatten() {
            plain = wrapped;
            if source.one_in(2) && !plain.is_empty() {
                let at = source.below(plain.len());
                plain[at] ^= 1 << source.below(8);
            }
            compare_unwrapped(&key, long, short, &plain);
        }
        plain.truncate(source.below(plain.len() + 1));
        compare_unwrapped(&key, long, short, &plain);
    });
}

fn compare_unwrapped(key: &[u8], long: Option<[u8; 8]>, short: Option<[u8; 4]>, wrapped: &[u8]) {
    let (lc, rust) = both!(provider => (
        provider::aes::unwrap(key, long, wrapped).map(|key| key.to_vec()),
        provider::aes::unwrap_pad(key, short, wrapped).map(|key| key.to_vec()),
    ));
    same(&lc.0, &rust.0, "unwrapped");
    same(&lc.1, &rust.1, "unwrapped with padding");
}

#[test]
fn ccm() {
    rounds("CCM", 600, |source| {
        let key_len = source.one_of(&AES_KEYS);
        let (key, mut aad) = (source.bytes(key_len), source.message());
        if source.one_in(20) {
            // The length of this much is written in six bytes.
            aad = source.bytes(0xff00 + 5);
        }
        let nonce_len = source.one_of(&[7, 8, 9, 10, 11, 12, 13, 12, 6, 14]);
        let nonce = source.bytes(nonce_len);
        let tag_len = source.one_of(&[4, 6, 8, 10, 12, 14, 16, 16, 5, 2, 18]);
        let data_len = source.one_in(4).then(|| source.below(70));
        let (lc, rust) = both!(provider => {
            let key: provider::SecretKey = SecretBytes::from(&key[..]).into();
            let (nonce, aad) = (&nonce, &aad);
            move |direction| boxed(provider::Ccm::new(direction, &key, nonce, aad, tag_len, data_len))
        });
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn stealing_and_feedback() {
    const SEGMENTS: [Segment; 5] =
        [Segment::Output, Segment::Bit, Segment::Byte, Segment::Half, Segment::Block];
    rounds("stealing and feedback", 600, |source| {
        let key_len = source.one_of(&AES_KEYS);
        let (key, iv, segment) = (source.bytes(key_len), source.array(), source.one_of(&SEGMENTS));
        let (lc, rust) = both!(provider => |direction| boxed(provider::Cts::new(direction, &key, &iv)));
        both_ways(source, (&lc, &rust));
        let (lc, rust) =
            both!(provider => |direction| boxed(provider::Feedback::new(segment, direction, &key, &iv)));
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn xts() {
    rounds("XTS", 400, |source| {
        let half = source.one_of(&[16, 32, 32, 24, 0]);
        let mut key = source.bytes(2 * half);
        if source.one_in(10) {
            key.copy_within(..half, half);
        }
        let unit = source.array();
        let (lc, rust) = both!(provider => provider::Xts::check_key(&key));
        same(&lc, &rust, "a key");
        let (lc, rust) = both!(provider => |direction| boxed(provider::Xts::new(direction, &key, &unit)));
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn triple_des() {
    rounds("triple DES", 400, |source| {
        let key_len = source.one_of(&[16, 24, 24, 8, 23]);
        let (key, iv) = (source.bytes(key_len), source.array());
        let mode = source.one_of(&[Des3Mode::Ecb, Des3Mode::Cbc(&iv), Des3Mode::CbcPad(&iv)]);
        let (lc, rust) = both!(provider => |direction| boxed(provider::Des3::new(mode, direction, &key)));
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn chacha20() {
    rounds("ChaCha20", 600, |source| {
        let key_len = source.one_of(&[32, 32, 32, 32, 32, 31, 0]);
        let nonce_len = source.one_of(&[8, 12, 24, 8, 12, 24, 16, 0]);
        let (key, nonce) = (source.bytes(key_len), source.bytes(nonce_len));
        // Often a few blocks before either end.
        let ends = [8, 1 << 32, 1 << 32, u64::MAX, u64::from_le_bytes(source.array())];
        let counter = source.one_of(&ends).wrapping_sub(source.below(8) as u64);
        let (lc, rust) = both!(provider => |_| boxed(provider::ChaCha20::new(&key, &nonce, counter)));
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn chacha20_poly1305() {
    rounds("ChaCha20-Poly1305", 600, |source| {
        let key_len = source.one_of(&[32, 32, 32, 32, 32, 31, 0]);
        let nonce_len = source.one_of(&[12, 24, 12, 24, 8, 0]);
        let (key, nonce, aad) = (source.bytes(key_len), source.bytes(nonce_len), source.message());
        let (lc, rust) = both!(provider => |direction| match direction {
            Encrypt => boxed(provider::ChaChaSeal::new(&key, &nonce, &aad)),
            Decrypt => boxed(provider::ChaChaOpen::new(&key, &nonce, &aad)),
        });
        both_ways(source, (&lc, &rust));
    });
}

#[test]
fn sealing() {
    rounds("sealing", 200, |source| {
        let (key, nonce, aad, plain) = (source.array(), source.array(), source.message(), source.message());
        let (lc, rust) = both!(provider => {
            let mut sealed = plain.clone();
            let tag = provider::SealCipher::new(&key).unwrap().seal(nonce, &aad, &mut sealed).unwrap();
            [&sealed[..], &tag].concat()
        });
        assert_eq!(lc, rust);
        let at = source.below(lc.len() + 1);
        let (lc, rust) = both!(provider => {
            let cipher = provider::SealCipher::new(&key).unwrap();
            let mut opened = lc.clone();
            cipher.open(nonce, &aad, &mut opened).unwrap();
            assert_eq!(opened[..plain.len()], plain);
            let mut changed = lc.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 0x10;
            }
            cipher.open(nonce, &aad, &mut changed).map(|()| changed)
        });
        assert_eq!(lc.is_ok(), rust.is_ok());
        let (lc, rust) = both!(provider => {
            let (mut first, mut second) = ([0; 32], [0; 32]);
            provider::random(&mut first).unwrap();
            provider::random(&mut second).unwrap();
            (provider::equal(&first, &second), provider::equal(&first, &first), provider::equal(&first, &[]))
        });
        assert_eq!((lc, rust), ((false, true, false), (false, true, false)));
    });
}
