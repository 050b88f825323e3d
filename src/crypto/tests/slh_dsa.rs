//! SLH-DSA, and the pre-hashed variants of it and of ML-DSA.

use super::super::*;
use super::hex;

const MESSAGE: &[u8] = b"message";
const CONTEXT: &[u8] = b"context";

/// By line: a parameter set; the private keys of the first two cases of ACVP's SLH-DSA-keyGen-FIPS205; SHA-256 of what
/// the package slh-dsa 0.2.5 of PyPI signs with the first key: MESSAGE with CONTEXT, and MESSAGE pre-hashed with SHA-512
/// without a context, both deterministic.
const SETS: &str = include_str!("data/slh_dsa.txt");

/// By line: a hash; MESSAGE's digest by Python's hashlib; SHA-256 of the deterministic pre-hashed signatures of MESSAGE
/// with CONTEXT by dilithium-py 1.5.1, of the ML-DSA-44 key of the seed of bytes 0 to 31, and by slh-dsa 0.2.5, of ACVP's
/// first SLH-DSA-SHA2-128f key. The OIDs in them are those of OpenSSL.
const HASHES: &str = include_str!("data/prehash.txt");

/// The columns of a line.
fn columns<const N: usize>(line: &str) -> [&str; N] {
    line.split(' ').collect::<Vec<_>>().try_into().unwrap()
}

fn sha256(data: &[u8]) -> Vec<u8> {
    digest(Hash::Sha256, data).to_vec()
}

fn sha512(data: &[u8]) -> Vec<u8> {
    digest(Hash::Sha512, data).to_vec()
}

#[test]
fn keys_of_acvp_and_signatures_of_another_implementation() {
    let mut sets = Vec::new();
    for line in SETS.lines() {
        let [name, first, second, pure, hashed] = columns(line);
        let set = SlhDsaSet::ALL.into_iter().find(|set| set.name() == name).unwrap();
        sets.push(set);
        // The root is computed, so a key is accepted only if it is right.
        let key = SlhDsaPrivate::from_bytes(set, &hex(first)).unwrap();
        let other = SlhDsaPrivate::from_bytes(set, &hex(second)).unwrap();
        assert_eq!(key.bytes()[..], hex(first)[..]);
        assert_eq!(key.public().bytes(), &hex(first)[set.public_len()..]);

        let spki = PublicKey::SlhDsa(key.public()).to_spki().unwrap();
        let PublicKey::SlhDsa(read) = PublicKey::from_spki(&spki).unwrap() else { panic!() };
        assert_eq!((read.set(), read.bytes()), (set, key.public().bytes()));

        let mut signature = vec![0; set.signature_len()];
        key.sign(MESSAGE, CONTEXT, Hedge::Deterministic, &mut signature).unwrap();
        assert_eq!(sha256(&signature), hex(pure), "{name}");
        let public = key.public();
        assert_eq!(public.verify(MESSAGE, CONTEXT, &signature), Ok(()));
        assert_eq!(public.verify(MESSAGE, b"", &signature), Err(Error::Signature));
        assert_eq!(public.verify(b"messagf", CONTEXT, &signature), Err(Error::Signature));
        assert_eq!(other.public().verify(MESSAGE, CONTEXT, &signature), Err(Error::Signature));
        assert_eq!(public.verify(MESSAGE, CONTEXT, &signature[1..]), Err(Error::SignatureLength));

        let (hash, hashed_message) = (PreHash::Sha512, sha512(MESSAGE));
        key.sign_prehashed(hash, &hashed_message, b"", Hedge::Deterministic, &mut signature).unwrap();
        assert_eq!(sha256(&signature), hex(hashed), "{name}");
        assert_eq!(public.verify_prehashed(hash, &hashed_message, b"", &signature), Ok(()));
        assert_eq!(public.verify(&hashed_message, b"", &signature), Err(Error::Signature));
    }
    assert!(sets.len() == 12 && SlhDsaSet::ALL.iter().all(|set| sets.contains(set)));
}

#[test]
fn forms_and_faults() {
    // The fast ones: each import computes the root again.
    for set in SlhDsaSet::ALL.into_iter().filter(|set| set.name().ends_with('f')) {
        let key = SlhDsaPrivate::generate(set).unwrap();
        let bytes = key.bytes();
        assert_eq!((bytes.len(), key.public().bytes().len()), (set.private_len(), set.public_len()));
        assert_ne!(SlhDsaPrivate::generate(set).unwrap().bytes(), bytes);
        assert!(!format!("{key:?}").contains("bytes"));
        for at in [0, set.public_len(), set.private_len() - 1] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1;
            assert!(matches!(SlhDsaPrivate::from_bytes(set, &damaged), Err(Error::Key(_))), "{set:?} {at}");
        }
        assert!(SlhDsaPrivate::from_bytes(set, &bytes[1..]).is_err());
        assert!(SlhDsaPublic::new(set, &bytes).is_err());

        // RFC 9909: nothing is around the private key, and the algorithm has no parameters.
        let wrapped = PrivateKey::SlhDsa(key.clone()).to_pkcs8().unwrap();
        assert_eq!(wrapped[wrapped.len() - bytes.len()..], bytes[..]);
        let PrivateKey::SlhDsa(read) = PrivateKey::from_pkcs8(&wrapped).unwrap() else { panic!() };
        assert_eq!((read.set(), read.bytes()), (set, bytes));
        let spki = PublicKey::SlhDsa(key.public()).to_spki().unwrap();
        let PublicKey::SlhDsa(read) = PublicKey::from_spki(&spki).unwrap() else { panic!() };
        assert_eq!((read.set(), read.bytes()), (set, key.public().bytes()));
    }
    let key = SlhDsaPrivate::generate(SlhDsaSet::Shake128f).unwrap();
    let mut first = vec![0; SlhDsaSet::Shake128f.signature_len()];
    let mut second = first.clone();
    key.sign(MESSAGE, b"", Hedge::Required, &mut first).unwrap();
    key.sign(MESSAGE, b"", Hedge::Preferred, &mut second).unwrap();
    assert_ne!(first, second, "hedged");
    assert_eq!(key.public().verify(MESSAGE, b"", &second), Ok(()));
    assert!(matches!(key.sign(MESSAGE, &[0; 256], Hedge::Preferred, &mut first), Err(Error::Param(_))));
    assert!(matches!(key.public().verify(MESSAGE, &[0; 256], &first), Err(Error::Param(_))));
    let short = key.sign_prehashed(PreHash::Sha256, &[0; 31], b"", Hedge::Preferred, &mut first);
    assert_eq!(short, Err(Error::DataLength));
}

#[test]
fn pre_hashed_signatures_of_other_implementations() {
    let seed: Vec<u8> = (0..32).collect();
    let ml = MlDsaPrivate::from_seed(MlDsaSet::MlDsa44, &seed).unwrap();
    let line = SETS.lines().find(|line| line.starts_with("SLH-DSA-SHA2-128f ")).unwrap();
    let slh = SlhDsaPrivate::from_bytes(SlhDsaSet::Sha2_128f, &hex(columns::<5>(line)[1])).unwrap();
    let mut seen = Vec::new();
    for line in HASHES.lines() {
        let [name, hashed, of_ml, of_slh] = columns(line);
        let hash = PreHash::ALL.into_iter().find(|hash| format!("{hash:?}") == name).unwrap();
        seen.push(hash);
        let mut running = PreHashing::new(hash);
        running.update(&MESSAGE[..3]);
        running.update(&MESSAGE[3..]);
        let hashed = hex(hashed);
        assert_eq!(running.value(), hashed, "{name}");
        assert_eq!(hashed.len(), hash.digest_len());

        let mut signature = vec![0; ml.set().signature_len()];
        ml.sign_prehashed(hash, &hashed, CONTEXT, Hedge::Deterministic, &mut signature).unwrap();
        assert_eq!(sha256(&signature), hex(of_ml), "{name}");
        assert_eq!(ml.public().verify_prehashed(hash, &hashed, CONTEXT, &signature), Ok(()));
        assert_eq!(ml.public().verify_prehashed(hash, &hashed, b"", &signature), Err(Error::Signature));
        assert_eq!(ml.public().verify(&hashed, CONTEXT, &signature), Err(Error::Signature));
        let deterministic = signature.clone();
        ml.sign_prehashed(hash, &hashed, CONTEXT, Hedge::Required, &mut signature).unwrap();
        assert_ne!(signature, deterministic, "hedged");
        assert_eq!(ml.public().verify_prehashed(hash, &hashed, CONTEXT, &signature), Ok(()));
        let short = ml.sign_prehashed(hash, &hashed[1..], CONTEXT, Hedge::Required, &mut signature);
        assert_eq!(short, Err(Error::DataLength));

        let mut signature = vec![0; slh.set().signature_len()];
        slh.sign_prehashed(hash, &hashed, CONTEXT, Hedge::Deterministic, &mut signature).unwrap();
        assert_eq!(sha256(&signature), hex(of_slh), "{name}");
        assert_eq!(slh.public().verify_prehashed(hash, &hashed, CONTEXT, &signature), Ok(()));
    }
    assert!(seen.len() == 12 && PreHash::ALL.iter().all(|hash| seen.contains(hash)));
}
