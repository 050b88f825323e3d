//! BIP-39: recovery sentences, and the seeds of wallets that follow from them. The words are the English ones.

use super::{Error, Hash, Result, pbkdf2};
use crate::types::SecretBytes;
use bip0039::{English, Mnemonic};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Length of a seed in bytes.
const SEED_LEN: usize = 64;
/// How often PBKDF2 goes round.
const ITERATIONS: u32 = 2048;
/// What every salt begins with.
const SALT: &str = "mnemonic";

/// The sentence that stands for this entropy: 12, 15, 18, 21 or 24 words for 16, 20, 24, 28 or 32 bytes
/// ([`Error::Param`] otherwise), in lower case, with one space between two words.
pub fn recovery_sentence(entropy: &[u8]) -> Result<SecretBytes> {
    let sentence = Mnemonic::<English>::from_entropy(entropy)
        .map_err(|_| Error::Param("BIP-39: no sentence has so much entropy"))?;
    Ok(SecretBytes::from(sentence.phrase().as_bytes()))
}

/// The seed of 64 bytes behind a sentence and a passphrase, which may be empty. White space around and between the
/// words does not count. [`Error::Param`] for another number of words, a word that is not in the list, a wrong
/// checksum, and a passphrase that is not UTF-8; none of them says which word it was.
pub fn wallet_seed(sentence: &[u8], passphrase: &[u8]) -> Result<SecretBytes> {
    let sentence = std::str::from_utf8(sentence).ok().filter(|sentence| sentence.is_ascii());
    let sentence = sentence.ok_or(Error::Param("BIP-39: the sentence is not in English words"))?;
    let sentence = Mnemonic::<English>::from_phrase(sentence).map_err(|error| match error {
        bip0039::Error::BadWordCount(_) => Error::Param("BIP-39: a sentence has 12, 15, 18, 21 or 24 words"),
        bip0039::Error::UnknownWord(word) => {
            drop(Zeroizing::new(word));
            Error::Param("BIP-39: a word of the sentence is not in the English list")
        }
        _ => Error::Param("BIP-39: the sentence's checksum is wrong: a word is mistaken, or out of place"),
    })?;
    let salt = salt(passphrase)?;
    let mut seed = SecretBytes::zeroed(SEED_LEN).map_err(|_| Error::Memory)?;
    pbkdf2(Hash::Sha512, sentence.phrase().as_bytes(), salt.as_bytes(), ITERATIONS, &mut seed)?;
    Ok(seed)
}

/// The salt with this passphrase, in Unicode's form NFKD.
fn salt(passphrase: &[u8]) -> Result<Zeroizing<String>> {
    let passphrase =
        std::str::from_utf8(passphrase).map_err(|_| Error::Param("BIP-39: the passphrase is not UTF-8"))?;
    let mut salt = Zeroizing::new(String::new());
    // Growing would leave copies behind.
    let len = SALT.len() + passphrase.nfkd().map(char::len_utf8).sum::<usize>();
    salt.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    salt.push_str(SALT);
    salt.extend(passphrase.nfkd());
    Ok(salt)
}
