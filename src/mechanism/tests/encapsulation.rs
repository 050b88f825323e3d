//! Key encapsulation by every mechanism that has it.

use super::super::Params;
use super::*;
use crate::error::Error;
use ErrorKind::*;

/// The ciphertext and the secret that an encapsulation makes.
fn encapsulate(
    kind: ck::CK_MECHANISM_TYPE,
    public: &Key,
    params: &Params,
    wanted: Option<usize>,
) -> Result<(Vec<u8>, Vec<u8>), ErrorKind> {
    let prepared = row(kind).ops.encapsulate.unwrap()(public, params).map_err(|e: Error| e.kind())?;
    let mut ciphertext = vec![0; prepared.ciphertext_len()];
    let secret = prepared.run(wanted, &mut ciphertext).map_err(|e| e.kind())?;
    Ok((ciphertext, secret.to_vec()))
}

fn decapsulate(
    kind: ck::CK_MECHANISM_TYPE,
    private: &Key,
    params: &Params,
    ciphertext: &[u8],
    wanted: Option<usize>,
) -> Result<Vec<u8>, ErrorKind> {
    let secret = row(kind).ops.decapsulate.unwrap()(private, params, ciphertext, wanted);
    secret.map(|secret| secret.to_vec()).map_err(|e| e.kind())
}

fn ecdh(kdf: ck::CK_EC_KDF_TYPE, public: &[u8]) -> Params {
    Params::Ecdh { kdf, shared: Vec::new(), public: public.to_vec() }
}

#[test]
fn a_secret_encrypted_with_rsa() {
    let (private, public) = rsa();
    let k = hex(vectors::RSA_N).len();
    let oaep = Params::Oaep { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA256, label: b"l".to_vec() };
    for (kind, params, most) in
        [(ck::CKM_RSA_PKCS, Params::None, k - 11), (ck::CKM_RSA_PKCS_OAEP, oaep, k - 66)]
    {
        let (ciphertext, secret) = encapsulate(kind, &public, &params, Some(32)).unwrap();
        assert_eq!((ciphertext.len(), secret.len()), (k, 32));
        assert_eq!(decapsulate(kind, &private, &params, &ciphertext, Some(32)).as_ref(), Ok(&secret));
        let unwrap = row(kind).ops.unwrap.unwrap();
        assert_eq!(
            unwrap(&private, &params, &ciphertext, None).unwrap()[..],
            secret[..],
            "as C_UnwrapKey does"
        );
        assert_ne!(encapsulate(kind, &public, &params, Some(32)).unwrap().1, secret);
        assert_eq!(encapsulate(kind, &public, &params, Some(most)).map(|(_, key)| key.len()), Ok(most));
        for long in [most + 1, k, k + 1, usize::MAX] {
            assert_eq!(encapsulate(kind, &public, &params, Some(long)), Err(KeySizeRange));
        }
        assert_eq!(encapsulate(kind, &public, &params, None), Err(TemplateIncomplete));
        assert_eq!(decapsulate(kind, &private, &params, &ciphertext[1..], None), Err(WrappedKeyLenRange));
    }
}

#[test]
fn rsasve() {
    let (private, public) = rsa();
    let n = hex(vectors::RSA_N);
    for _ in 0..8 {
        let (ciphertext, secret) = encapsulate(ck::CKM_RSA_X_509, &public, &Params::None, None).unwrap();
        assert!(secret.len() == n.len() && secret < n);
        let found = decapsulate(ck::CKM_RSA_X_509, &private, &Params::None, &ciphertext, Some(n.len()));
        assert_eq!(found.as_ref(), Ok(&secret));
        let short = decapsulate(ck::CKM_RSA_X_509, &private, &Params::None, &ciphertext, Some(32));
        assert_eq!(short, Err(TemplateInconsistent));
    }
    let short = encapsulate(ck::CKM_RSA_X_509, &public, &Params::None, Some(32));
    assert_eq!(short, Err(TemplateInconsistent), "the secret has the modulus' length");
}

#[test]
fn an_agreement_with_a_fresh_key() {
    let kind = ck::CKM_ECDH1_DERIVE;
    let montgomery = generated(
        ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
        ck::CKK_EC_MONTGOMERY,
        &[(ck::CKA_EC_PARAMS, X25519.into())],
    );
    for ((private, public), len) in [(ec(), 65), (keys(&montgomery), 32)] {
        for (kdf, wanted, secret_len) in
            [(ck::CKD_NULL, None, 32), (ck::CKD_NULL, Some(16), 16), (ck::CKD_SHA256_KDF, Some(48), 48)]
        {
            let params = ecdh(kdf, &[]);
            let (ciphertext, secret) = encapsulate(kind, &public, &params, wanted).unwrap();
            assert_eq!((ciphertext.len(), secret.len()), (len, secret_len));
            assert_eq!(decapsulate(kind, &private, &params, &ciphertext, wanted).as_ref(), Ok(&secret));
            let derived = value(kind, &private, &ecdh(kdf, &ciphertext), wanted).unwrap();
            assert_eq!(derived[..], secret[..], "as C_DeriveKey with the ciphertext for public value");
            assert_ne!(encapsulate(kind, &public, &params, wanted).unwrap().0, ciphertext);
            let short = decapsulate(kind, &private, &params, &ciphertext[1..], wanted);
            assert_eq!(short, Err(WrappedKeyLenRange));
        }
        let params = ecdh(ck::CKD_NULL, &[]);
        assert_eq!(decapsulate(kind, &private, &params, &vec![0; len], None), Err(WrappedKeyInvalid));
        assert_eq!(encapsulate(kind, &public, &params, Some(33)), Err(KeySizeRange));
        let given = ecdh(ck::CKD_NULL, &[4; 65]);
        assert_eq!(encapsulate(kind, &public, &given, None), Err(MechanismParamInvalid));
        assert_eq!(decapsulate(kind, &private, &given, &vec![9; len], None), Err(MechanismParamInvalid));
        assert_eq!(encapsulate(kind, &private, &params, None), Err(KeyTypeInconsistent));
    }
}

#[test]
fn ml_kem() {
    let kind = ck::CKM_ML_KEM;
    let made = |set: ck::CK_ULONG| {
        keys(&generated(ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKK_ML_KEM, &[(ck::CKA_PARAMETER_SET, set.into())]))
    };
    for (set, len) in [(ck::CKP_ML_KEM_512, 768), (ck::CKP_ML_KEM_768, 1088), (ck::CKP_ML_KEM_1024, 1568)] {
        let (private, public) = made(set);
        let (ciphertext, secret) = encapsulate(kind, &public, &Params::None, None).unwrap();
        assert_eq!((ciphertext.len(), secret.len()), (len, 32));
        for wanted in [None, Some(32)] {
            assert_eq!(decapsulate(kind, &private, &Params::None, &ciphertext, wanted).as_ref(), Ok(&secret));
        }
        // The specification has no cutting here, as it has for ECDH.
        for wrong in [16, 31, 33] {
            assert_eq!(encapsulate(kind, &public, &Params::None, Some(wrong)), Err(TemplateInconsistent));
            let refused = decapsulate(kind, &private, &Params::None, &ciphertext, Some(wrong));
            assert_eq!(refused, Err(TemplateInconsistent));
        }
        let short = decapsulate(kind, &private, &Params::None, &ciphertext[1..], None);
        assert_eq!(short, Err(WrappedKeyLenRange));
        let (other, _) = made(set);
        assert_ne!(decapsulate(kind, &other, &Params::None, &ciphertext, None).unwrap(), secret);
        assert_eq!(encapsulate(kind, &private, &Params::None, None), Err(KeyTypeInconsistent));
    }
}
