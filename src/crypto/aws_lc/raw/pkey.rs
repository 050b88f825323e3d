//! What AWS-LC offers through `EVP_PKEY` only: OAEP with free parameters, ML-DSA and ML-KEM.

use super::rsa::Rsa;
use super::sys;
use super::{Error, Hash, Result, buffer, check, fresh, md, owned};
use crate::crypto::{MlDsaSet, MlKemSet};
use std::ffi::c_int;
use std::ptr::{null, null_mut};

owned!(
    /// A key, immutable once made.
    Pkey, EVP_PKEY, EVP_PKEY_free
);
owned!(
    /// One operation with a key.
    Context, EVP_PKEY_CTX, EVP_PKEY_CTX_free
);
owned!(
    /// One signature over a message.
    MessageContext, EVP_MD_CTX, EVP_MD_CTX_free
);

// SAFETY: AWS-LC lets threads share an EVP_PKEY as long as none of them changes it (evp.h), and nothing here does
// after construction; its reference count is atomic.
unsafe impl Send for Pkey {}
// SAFETY: as above.
unsafe impl Sync for Pkey {}

fn nid(set: MlDsaSet) -> c_int {
    match set {
        MlDsaSet::MlDsa44 => sys::NID_MLDSA44,
        MlDsaSet::MlDsa65 => sys::NID_MLDSA65,
        MlDsaSet::MlDsa87 => sys::NID_MLDSA87,
    }
}

fn kem_nid(set: MlKemSet) -> c_int {
    match set {
        MlKemSet::MlKem512 => sys::NID_MLKEM512,
        MlKemSet::MlKem768 => sys::NID_MLKEM768,
        MlKemSet::MlKem1024 => sys::NID_MLKEM1024,
    }
}

type Init = unsafe extern "C" fn(*mut sys::EVP_PKEY_CTX) -> c_int;
type Run = unsafe extern "C" fn(*mut sys::EVP_PKEY_CTX, *mut u8, *mut usize, *const u8, usize) -> c_int;

/// What a pair of C functions does with OAEP.
struct OaepRun<'a> {
    hash: Hash,
    mgf: Hash,
    label: &'a [u8],
    init: Init,
    run: Run,
    failure: Error,
}

impl Pkey {
    /// The same RSA key, shared.
    pub(in crate::crypto::aws_lc) fn from_rsa(rsa: &Rsa) -> Result<Pkey> {
        // SAFETY: takes nothing; null means out of memory.
        let pkey = Pkey(fresh(unsafe { sys::EVP_PKEY_new() }, Error::Memory)?);
        // SAFETY: a fresh object that nobody shares yet and a live key, of which it takes a reference.
        check(unsafe { sys::EVP_PKEY_set1_RSA(pkey.raw(), rsa.as_ptr()) }, Error::Internal("RSA key"))?;
        Ok(pkey)
    }

    /// RSAES-OAEP encryption into `out`, as long as the modulus.
    pub(in crate::crypto::aws_lc) fn oaep_encrypt(
        &self,
        hash: Hash,
        mgf: Hash,
        label: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let (init, run) = (sys::EVP_PKEY_encrypt_init, sys::EVP_PKEY_encrypt);
        self.oaep(&OaepRun { hash, mgf, label, init, run, failure: Error::DataLength }, data, out)
    }

    /// RSAES-OAEP decryption into `out`, as long as the modulus; returns the plaintext's length. Every failure is
    /// [`Error::Ciphertext`].
    pub(in crate::crypto::aws_lc) fn oaep_decrypt(
        &self,
        hash: Hash,
        mgf: Hash,
        label: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let (init, run) = (sys::EVP_PKEY_decrypt_init, sys::EVP_PKEY_decrypt);
        self.oaep(&OaepRun { hash, mgf, label, init, run, failure: Error::Ciphertext }, ciphertext, out)
    }

    fn oaep(&self, op: &OaepRun<'_>, input: &[u8], out: &mut [u8]) -> Result<usize> {
        const SETUP: Error = Error::Internal("OAEP parameters");
        let (hash, mgf) = (md(op.hash)?, md(op.mgf)?);
        let context = Context::new(self)?;
        // SAFETY: a live context; these take numbers and static tables.
        unsafe {
            check((op.init)(context.raw()), SETUP)?;
            check(sys::EVP_PKEY_CTX_set_rsa_padding(context.raw(), sys::RSA_PKCS1_OAEP_PADDING), SETUP)?;
            check(sys::EVP_PKEY_CTX_set_rsa_oaep_md(context.raw(), hash), SETUP)?;
            check(sys::EVP_PKEY_CTX_set_rsa_mgf1_md(context.raw(), mgf), SETUP)?;
        }
        context.set_label(op.label)?;
        let mut written = out.len();
        // SAFETY: a live context; AWS-LC reads `input` and writes at most `written` bytes.
        let status =
            unsafe { (op.run)(context.raw(), out.as_mut_ptr(), &mut written, input.as_ptr(), input.len()) };
        check(status, op.failure)?;
        Ok(written)
    }

    /// An ML-DSA private key from its 32-byte seed, or from its expanded form; AWS-LC tells them by length.
    pub(in crate::crypto::aws_lc) fn ml_dsa_private(set: MlDsaSet, key: &[u8]) -> Result<Pkey> {
        const WHY: Error =
            Error::Key("ML-DSA: the private key is neither a seed nor a consistent expanded key");
        // SAFETY: AWS-LC reads `key` and checks its length.
        let pkey = unsafe { sys::EVP_PKEY_pqdsa_new_raw_private_key(nid(set), key.as_ptr(), key.len()) };
        Ok(Pkey(fresh(pkey, WHY)?))
    }

    /// An ML-DSA public key.
    pub(in crate::crypto::aws_lc) fn ml_dsa_public(set: MlDsaSet, key: &[u8]) -> Result<Pkey> {
        const WHY: Error = Error::Key("ML-DSA: the public key has the wrong length for its parameter set");
        // SAFETY: AWS-LC reads `key` and checks its length.
        let pkey = unsafe { sys::EVP_PKEY_pqdsa_new_raw_public_key(nid(set), key.as_ptr(), key.len()) };
        Ok(Pkey(fresh(pkey, WHY)?))
    }

    /// The public key encoding of FIPS 203 or 204, of `len` bytes.
    pub(in crate::crypto::aws_lc) fn raw_public(&self, len: usize) -> Result<Vec<u8>> {
        let mut out = buffer(len)?;
        let mut written = len;
        // SAFETY: a live key; AWS-LC writes at most `written` bytes.
        let status = unsafe { sys::EVP_PKEY_get_raw_public_key(self.raw(), out.as_mut_ptr(), &mut written) };
        check(status, Error::Internal("public key"))?;
        out.truncate(written);
        Ok(out)
    }

    /// The private key encoding of FIPS 203 or 204, of `len` bytes.
    pub(in crate::crypto::aws_lc) fn raw_private(&self, len: usize) -> Result<Vec<u8>> {
        let mut out = buffer(len)?;
        let mut written = len;
        // SAFETY: a live key; AWS-LC writes at most `written` bytes.
        let status = unsafe { sys::EVP_PKEY_get_raw_private_key(self.raw(), out.as_mut_ptr(), &mut written) };
        check(status, Error::Internal("private key"))?;
        out.truncate(written);
        Ok(out)
    }

    /// A hedged ML-DSA signature into `out`, exactly as long as a signature.
    pub(in crate::crypto::aws_lc) fn ml_dsa_sign(
        &self,
        message: &[u8],
        context: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        const FAILED: Error = Error::Internal("ML-DSA signature");
        let run = MessageContext::new()?;
        let mut key_context = null_mut();
        // SAFETY: live objects; `key_context` becomes a borrow of what `run` owns; ML-DSA takes no hash.
        let status =
            unsafe { sys::EVP_DigestSignInit(run.raw(), &mut key_context, null(), null_mut(), self.raw()) };
        check(status, FAILED)?;
        // SAFETY: `run` is live and owns it.
        unsafe { set_context(key_context, context) }?;
        let mut written = out.len();
        // SAFETY: live objects; AWS-LC reads `message` and writes at most `written` bytes.
        let status = unsafe {
            sys::EVP_DigestSign(run.raw(), out.as_mut_ptr(), &mut written, message.as_ptr(), message.len())
        };
        check(status, FAILED)
    }

    /// Checks an ML-DSA signature; every failure is [`Error::Signature`].
    pub(in crate::crypto::aws_lc) fn ml_dsa_verify(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let run = MessageContext::new()?;
        let mut key_context = null_mut();
        // SAFETY: live objects; `key_context` becomes a borrow of what `run` owns; ML-DSA takes no hash.
        let status =
            unsafe { sys::EVP_DigestVerifyInit(run.raw(), &mut key_context, null(), null_mut(), self.raw()) };
        check(status, Error::Internal("ML-DSA verification"))?;
        // SAFETY: `run` is live and owns it.
        unsafe { set_context(key_context, context) }?;
        // SAFETY: live objects; AWS-LC reads both slices.
        let status = unsafe {
            sys::EVP_DigestVerify(
                run.raw(),
                signature.as_ptr(),
                signature.len(),
                message.as_ptr(),
                message.len(),
            )
        };
        check(status, Error::Signature)
    }
}

/// ML-DSA over the message representative µ.
impl Pkey {
    /// A hedged signature into `out`, exactly as long as a signature.
    pub(in crate::crypto::aws_lc) fn ml_dsa_sign_mu(&self, mu: &[u8; 64], out: &mut [u8]) -> Result<()> {
        const FAILED: Error = Error::Internal("ML-DSA signature over mu");
        let context = Context::new(self)?;
        // SAFETY: a live context.
        check(unsafe { sys::EVP_PKEY_sign_init(context.raw()) }, FAILED)?;
        let mut written = out.len();
        // SAFETY: a live context; AWS-LC reads `mu` and writes at most `written` bytes.
        let status = unsafe {
            sys::EVP_PKEY_sign(context.raw(), out.as_mut_ptr(), &raw mut written, mu.as_ptr(), mu.len())
        };
        check(status, FAILED)
    }

    /// Checks a signature; every failure is [`Error::Signature`].
    pub(in crate::crypto::aws_lc) fn ml_dsa_verify_mu(&self, mu: &[u8; 64], signature: &[u8]) -> Result<()> {
        let context = Context::new(self)?;
        // SAFETY: a live context.
        let status = unsafe { sys::EVP_PKEY_verify_init(context.raw()) };
        check(status, Error::Internal("ML-DSA verification over mu"))?;
        // SAFETY: a live context; AWS-LC reads both slices.
        let status = unsafe {
            sys::EVP_PKEY_verify(context.raw(), signature.as_ptr(), signature.len(), mu.as_ptr(), mu.len())
        };
        check(status, Error::Signature)
    }
}

/// ML-KEM.
impl Pkey {
    /// A pair from its seed, d and z.
    pub(in crate::crypto::aws_lc) fn ml_kem_from_seed(set: MlKemSet, seed: &[u8; 64]) -> Result<Pkey> {
        const FAILED: Error = Error::Internal("ML-KEM key from its seed");
        // SAFETY: takes a number; null means out of memory.
        let context = unsafe { sys::EVP_PKEY_CTX_new_id(sys::EVP_PKEY_KEM, null_mut()) };
        let context = Context(fresh(context, Error::Memory)?);
        // SAFETY: a live context.
        unsafe {
            check(sys::EVP_PKEY_CTX_kem_set_params(context.raw(), kem_nid(set)), FAILED)?;
            check(sys::EVP_PKEY_keygen_init(context.raw()), FAILED)?;
        }
        let (mut key, mut len) = (null_mut(), seed.len());
        // SAFETY: a live context; AWS-LC reads `len` bytes, which it checks to be a seed's, and sets `key` to a fresh
        // object.
        let status = unsafe {
            sys::EVP_PKEY_keygen_deterministic(context.raw(), &raw mut key, seed.as_ptr(), &raw mut len)
        };
        check(status, FAILED)?;
        Ok(Pkey(fresh(key, FAILED)?))
    }

    /// A pair from both of its encodings, checked as FIPS 203, section 7, has it, and by a secret that goes to and fro.
    pub(in crate::crypto::aws_lc) fn ml_kem_pair(
        set: MlKemSet,
        public: &[u8],
        private: &[u8],
    ) -> Result<Pkey> {
        const WHY: Error = Error::Key("ML-KEM: the decapsulation key does not agree with itself");
        // SAFETY: AWS-LC reads both slices and checks their lengths.
        let pkey = unsafe {
            sys::EVP_PKEY_kem_new_raw_key(
                kem_nid(set),
                public.as_ptr(),
                public.len(),
                private.as_ptr(),
                private.len(),
            )
        };
        let pkey = Pkey(fresh(pkey, WHY)?);
        // SAFETY: a live key, which is only read.
        check(unsafe { sys::EVP_PKEY_kem_check_key(pkey.raw()) }, WHY)?;
        Ok(pkey)
    }

    /// A public key, whose numbers are below the modulus.
    pub(in crate::crypto::aws_lc) fn ml_kem_public(set: MlKemSet, key: &[u8]) -> Result<Pkey> {
        const WHY: Error =
            Error::Key("ML-KEM: the encapsulation key has a number that is not below the modulus");
        // SAFETY: AWS-LC reads `key` and checks its length.
        let pkey = unsafe { sys::EVP_PKEY_kem_new_raw_public_key(kem_nid(set), key.as_ptr(), key.len()) };
        let pkey = Pkey(fresh(pkey, WHY)?);
        // The FIPS module has no check of its own for these keys, but makes it whenever it encapsulates.
        if cfg!(feature = "fips") {
            pkey.encapsulate(&mut buffer(set.ciphertext_len())?, &mut [0; 32]).map_err(|_| WHY)?;
            return Ok(pkey);
        }
        let context = Context::new(&pkey)?;
        // SAFETY: a live context.
        check(unsafe { sys::EVP_PKEY_public_check(context.raw()) }, WHY)?;
        Ok(pkey)
    }

    /// ML-KEM.Encaps: the ciphertext into `ciphertext`, exactly as long as one, and the shared secret.
    pub(in crate::crypto::aws_lc) fn encapsulate(
        &self,
        ciphertext: &mut [u8],
        secret: &mut [u8; 32],
    ) -> Result<()> {
        let context = Context::new(self)?;
        let (mut ciphertext_len, mut secret_len) = (ciphertext.len(), secret.len());
        // SAFETY: a live context; AWS-LC checks both lengths before it writes.
        let status = unsafe {
            sys::EVP_PKEY_encapsulate(
                context.raw(),
                ciphertext.as_mut_ptr(),
                &raw mut ciphertext_len,
                secret.as_mut_ptr(),
                &raw mut secret_len,
            )
        };
        check(status, Error::Internal("ML-KEM encapsulation"))
    }

    /// The same with the randomness m given, as test vectors have it.
    #[cfg(test)]
    pub(in crate::crypto::aws_lc) fn encapsulate_with(
        &self,
        m: &[u8],
        ciphertext: &mut [u8],
        secret: &mut [u8; 32],
    ) -> Result<()> {
        let context = Context::new(self)?;
        let (mut ciphertext_len, mut secret_len, mut m_len) = (ciphertext.len(), secret.len(), m.len());
        // SAFETY: a live context; AWS-LC checks all three lengths.
        let status = unsafe {
            sys::EVP_PKEY_encapsulate_deterministic(
                context.raw(),
                ciphertext.as_mut_ptr(),
                &raw mut ciphertext_len,
                secret.as_mut_ptr(),
                &raw mut secret_len,
                m.as_ptr(),
                &raw mut m_len,
            )
        };
        check(status, Error::Internal("ML-KEM encapsulation"))
    }

    /// ML-KEM.Decaps. [`Error::CiphertextLength`]; any other ciphertext gives a secret.
    pub(in crate::crypto::aws_lc) fn decapsulate(
        &self,
        ciphertext: &[u8],
        secret: &mut [u8; 32],
    ) -> Result<()> {
        let context = Context::new(self)?;
        let mut secret_len = secret.len();
        // SAFETY: a live context; AWS-LC checks both lengths.
        let status = unsafe {
            sys::EVP_PKEY_decapsulate(
                context.raw(),
                secret.as_mut_ptr(),
                &raw mut secret_len,
                ciphertext.as_ptr(),
                ciphertext.len(),
            )
        };
        check(status, Error::CiphertextLength)
    }
}

impl Context {
    fn new(key: &Pkey) -> Result<Context> {
        // SAFETY: the key is live; the context takes a reference of it.
        Ok(Context(fresh(unsafe { sys::EVP_PKEY_CTX_new(key.raw(), null_mut()) }, Error::Memory)?))
    }

    /// Hands OAEP's label over; none is the default.
    fn set_label(&self, label: &[u8]) -> Result<()> {
        if label.is_empty() {
            return Ok(());
        }
        // SAFETY: copies `label` into memory of AWS-LC's allocator, which the context frees.
        let copy = unsafe { sys::OPENSSL_memdup(label.as_ptr().cast(), label.len()) };
        let copy = fresh(copy, Error::Memory)?;
        // SAFETY: a live context, which takes `copy` over if it succeeds.
        let status =
            unsafe { sys::EVP_PKEY_CTX_set0_rsa_oaep_label(self.raw(), copy.as_ptr().cast(), label.len()) };
        check(status, Error::Internal("OAEP label")).inspect_err(|_| {
            // SAFETY: the context did not take it, so it is still ours.
            unsafe { sys::OPENSSL_free(copy.as_ptr()) }
        })
    }
}

impl MessageContext {
    fn new() -> Result<MessageContext> {
        // SAFETY: takes nothing; null means out of memory.
        Ok(MessageContext(fresh(unsafe { sys::EVP_MD_CTX_new() }, Error::Memory)?))
    }
}

/// Sets ML-DSA's context string.
///
/// # Safety
/// `key_context` is live.
#[cfg(not(feature = "fips"))]
unsafe fn set_context(key_context: *mut sys::EVP_PKEY_CTX, context: &[u8]) -> Result<()> {
    if context.is_empty() {
        return Ok(());
    }
    // SAFETY: live, says the caller; AWS-LC copies `context`.
    let status = unsafe {
        sys::EVP_PKEY_CTX_set1_signature_context_string(key_context, context.as_ptr(), context.len())
    };
    check(status, Error::Param("ML-DSA: the context is longer than 255 bytes"))
}

/// The FIPS module takes no context string for ML-DSA: who has one signs µ instead, which holds it.
///
/// # Safety
/// None: the pointer is not used.
#[cfg(feature = "fips")]
unsafe fn set_context(_: *mut sys::EVP_PKEY_CTX, context: &[u8]) -> Result<()> {
    match context.is_empty() {
        true => Ok(()),
        false => Err(Error::Internal("ML-DSA context")),
    }
}
