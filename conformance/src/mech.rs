//! Mechanisms with their parameter structs.
//!
//! A [`Mech`] owns the struct and every buffer that the struct points to; it may be moved freely, because
//! both live on the heap.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use cryptoki_sys::*;

use crate::ulen;

/// A mechanism and its parameter.
pub struct Mech {
    /// CKM_ value.
    pub kind: CK_MECHANISM_TYPE,
    structs: Vec<Words>,
    buffers: Vec<Vec<u8>>,
    pointer: *mut c_void,
    len: CK_ULONG,
}

/// The bytes of a C struct, aligned for any of them.
struct Words(Vec<MaybeUninit<u64>>);

impl Words {
    fn of<T: Copy>(value: &T) -> Self {
        let mut words = vec![MaybeUninit::uninit(); size_of::<T>().div_ceil(8)];
        // SAFETY: `words` has room for a T, and T (a C struct) needs no more than 8-byte alignment.
        unsafe { words.as_mut_ptr().cast::<T>().write(*value) };
        Self(words)
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }
}

/// The address of a buffer, null where it is empty.
fn address(buffer: &[u8]) -> *mut CK_BYTE {
    if buffer.is_empty() { std::ptr::null_mut() } else { buffer.as_ptr().cast_mut() }
}

/// The CKG_MGF1_ value that goes with a hash mechanism; 0, which no module knows, for any other.
pub fn mgf1(hash: CK_MECHANISM_TYPE) -> CK_RSA_PKCS_MGF_TYPE {
    const ROWS: &[(CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE)] = &[
        (CKM_SHA_1, CKG_MGF1_SHA1),
        (CKM_SHA224, CKG_MGF1_SHA224),
        (CKM_SHA256, CKG_MGF1_SHA256),
        (CKM_SHA384, CKG_MGF1_SHA384),
        (CKM_SHA512, CKG_MGF1_SHA512),
        (CKM_SHA3_224, CKG_MGF1_SHA3_224),
        (CKM_SHA3_256, CKG_MGF1_SHA3_256),
        (CKM_SHA3_384, CKG_MGF1_SHA3_384),
        (CKM_SHA3_512, CKG_MGF1_SHA3_512),
    ];
    ROWS.iter().find(|(known, _)| *known == hash).map_or(0, |(_, mgf)| *mgf)
}

/// A part of what SP 800-108's pseudo-random function gets.
pub enum Segment {
    /// The number of the block, highest byte first.
    Counter {
        /// Its width.
        bits: CK_ULONG,
    },
    /// The same in every block.
    Bytes(Vec<u8>),
}

impl Mech {
    /// A mechanism without parameter.
    pub fn new(kind: CK_MECHANISM_TYPE) -> Self {
        Self { kind, structs: Vec::new(), buffers: Vec::new(), pointer: std::ptr::null_mut(), len: 0 }
    }

    /// A mechanism whose parameter is a byte string, such as an IV.
    pub fn bytes(kind: CK_MECHANISM_TYPE, parameter: &[u8]) -> Self {
        let mut mech = Self::new(kind);
        let buffer = parameter.to_vec();
        mech.pointer = address(&buffer).cast();
        mech.len = ulen(buffer.len());
        mech.buffers.push(buffer);
        mech
    }

    /// A mechanism whose parameter is one CK_ULONG, such as CK_MAC_GENERAL_PARAMS.
    pub fn ulong(kind: CK_MECHANISM_TYPE, parameter: CK_ULONG) -> Self {
        Self::with_struct(kind, &parameter, Vec::new())
    }

    /// A mechanism with any C struct; the struct's pointers must point into `buffers`.
    pub fn with_struct<T: Copy>(kind: CK_MECHANISM_TYPE, parameter: &T, buffers: Vec<Vec<u8>>) -> Self {
        let mut mech = Self::new(kind);
        let mut words = Words::of(parameter);
        mech.pointer = words.pointer();
        mech.len = ulen(size_of::<T>());
        mech.structs.push(words);
        mech.buffers = buffers;
        mech
    }

    /// AES-GCM; `tag_bits` is the tag's length in bits.
    pub fn gcm(iv: &[u8], aad: &[u8], tag_bits: CK_ULONG) -> Self {
        let (iv, aad) = (iv.to_vec(), aad.to_vec());
        let parameter = CK_GCM_PARAMS {
            pIv: address(&iv),
            ulIvLen: ulen(iv.len()),
            ulIvBits: ulen(iv.len() * 8),
            pAAD: address(&aad),
            ulAADLen: ulen(aad.len()),
            ulTagBits: tag_bits,
        };
        Self::with_struct(CKM_AES_GCM, &parameter, vec![iv, aad])
    }

    /// AES-CCM; `data_len` is the length of the plaintext and `mac_len` that of the tag, in bytes.
    pub fn ccm(nonce: &[u8], aad: &[u8], data_len: usize, mac_len: usize) -> Self {
        let (nonce, aad) = (nonce.to_vec(), aad.to_vec());
        let parameter = CK_CCM_PARAMS {
            ulDataLen: ulen(data_len),
            pNonce: address(&nonce),
            ulNonceLen: ulen(nonce.len()),
            pAAD: address(&aad),
            ulAADLen: ulen(aad.len()),
            ulMACLen: ulen(mac_len),
        };
        Self::with_struct(CKM_AES_CCM, &parameter, vec![nonce, aad])
    }

    /// ChaCha20-Poly1305, the variant by the nonce's length.
    pub fn chacha20_poly1305(nonce: &[u8], aad: &[u8]) -> Self {
        let (nonce, aad) = (nonce.to_vec(), aad.to_vec());
        let parameter = CK_SALSA20_CHACHA20_POLY1305_PARAMS {
            pNonce: address(&nonce),
            ulNonceLen: ulen(nonce.len() * 8),
            pAAD: address(&aad),
            ulAADLen: ulen(aad.len()),
        };
        Self::with_struct(CKM_CHACHA20_POLY1305, &parameter, vec![nonce, aad])
    }

    /// ChaCha20, the variant by the nonce's length; `counter` is the first block's number, lowest byte first.
    pub fn chacha20(counter: &[u8], nonce: &[u8]) -> Self {
        let (counter, nonce) = (counter.to_vec(), nonce.to_vec());
        let parameter = CK_CHACHA20_PARAMS {
            pBlockCounter: address(&counter),
            blockCounterBits: ulen(counter.len() * 8),
            pNonce: address(&nonce),
            ulNonceBits: ulen(nonce.len() * 8),
        };
        Self::with_struct(CKM_CHACHA20, &parameter, vec![counter, nonce])
    }

    /// Derivation by encryption in ECB mode, and others that take CK_KEY_DERIVATION_STRING_DATA.
    pub fn string_data(kind: CK_MECHANISM_TYPE, data: &[u8]) -> Self {
        let data = data.to_vec();
        let parameter = CK_KEY_DERIVATION_STRING_DATA { pData: address(&data), ulLen: ulen(data.len()) };
        Self::with_struct(kind, &parameter, vec![data])
    }

    /// CKM_AES_CBC_ENCRYPT_DATA.
    pub fn aes_cbc_data(iv: [u8; 16], data: &[u8]) -> Self {
        let data = data.to_vec();
        let parameter =
            CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv, pData: address(&data), length: ulen(data.len()) };
        Self::with_struct(CKM_AES_CBC_ENCRYPT_DATA, &parameter, vec![data])
    }

    /// CKM_DES3_CBC_ENCRYPT_DATA.
    pub fn des3_cbc_data(iv: [u8; 8], data: &[u8]) -> Self {
        let data = data.to_vec();
        let parameter =
            CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv, pData: address(&data), length: ulen(data.len()) };
        Self::with_struct(CKM_DES3_CBC_ENCRYPT_DATA, &parameter, vec![data])
    }

    /// AES-GMAC; `tag_bits` is the tag's length in bits.
    pub fn gmac(iv: &[u8], tag_bits: CK_ULONG) -> Self {
        let mut mech = Self::gcm(iv, &[], tag_bits);
        mech.kind = CKM_AES_GMAC;
        mech
    }

    /// AES-CTR with a counter of `counter_bits` in the low bits of `block`.
    pub fn ctr(counter_bits: CK_ULONG, block: [u8; 16]) -> Self {
        let parameter = CK_AES_CTR_PARAMS { ulCounterBits: counter_bits, cb: block };
        Self::with_struct(CKM_AES_CTR, &parameter, Vec::new())
    }

    /// A PSS mechanism (CKM_RSA_PKCS_PSS or CKM_SHAx_RSA_PKCS_PSS); `salt_len` in bytes.
    pub fn pss(
        kind: CK_MECHANISM_TYPE,
        hash: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        salt_len: usize,
    ) -> Self {
        let parameter = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: ulen(salt_len) };
        Self::with_struct(kind, &parameter, Vec::new())
    }

    /// CKM_RSA_PKCS_OAEP.
    pub fn oaep(hash: CK_MECHANISM_TYPE, mgf: CK_RSA_PKCS_MGF_TYPE, label: &[u8]) -> Self {
        let label = label.to_vec();
        let parameter = Self::oaep_params(hash, mgf, &label);
        Self::with_struct(CKM_RSA_PKCS_OAEP, &parameter, vec![label])
    }

    /// CKM_RSA_AES_KEY_WRAP with an ephemeral AES key of `aes_bits`.
    pub fn rsa_aes_wrap(aes_bits: CK_ULONG, hash: CK_MECHANISM_TYPE, mgf: CK_RSA_PKCS_MGF_TYPE) -> Self {
        let mut inner = Words::of(&Self::oaep_params(hash, mgf, &[]));
        let parameter =
            CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: aes_bits, pOAEPParams: inner.pointer().cast() };
        let mut mech = Self::with_struct(CKM_RSA_AES_KEY_WRAP, &parameter, Vec::new());
        mech.structs.push(inner);
        mech
    }

    fn oaep_params(
        hash: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        label: &[u8],
    ) -> CK_RSA_PKCS_OAEP_PARAMS {
        CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: hash,
            mgf,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: address(label).cast(),
            ulSourceDataLen: ulen(label.len()),
        }
    }

    /// CKM_ECDH1_DERIVE and CKM_ECDH1_COFACTOR_DERIVE; `point` raw or in a DER OCTET STRING.
    pub fn ecdh(kind: CK_MECHANISM_TYPE, kdf: CK_EC_KDF_TYPE, shared_data: &[u8], point: &[u8]) -> Self {
        let (shared_data, point) = (shared_data.to_vec(), point.to_vec());
        let parameter = CK_ECDH1_DERIVE_PARAMS {
            kdf,
            ulSharedDataLen: ulen(shared_data.len()),
            pSharedData: address(&shared_data),
            ulPublicDataLen: ulen(point.len()),
            pPublicData: address(&point),
        };
        Self::with_struct(kind, &parameter, vec![shared_data, point])
    }

    /// CKM_EDDSA with CK_EDDSA_PARAMS: `prehash` chooses Ed25519ph.
    pub fn eddsa(prehash: bool, context: &[u8]) -> Self {
        let context = context.to_vec();
        let parameter = CK_EDDSA_PARAMS {
            phFlag: u8::from(prehash),
            ulContextDataLen: ulen(context.len()),
            pContextData: address(&context),
        };
        Self::with_struct(CKM_EDDSA, &parameter, vec![context])
    }

    /// CKM_ML_DSA, CKM_SLH_DSA and the mechanisms that fix their hash: CK_SIGN_ADDITIONAL_CONTEXT.
    pub fn sign_context(kind: CK_MECHANISM_TYPE, hedge: CK_HEDGE_TYPE, context: &[u8]) -> Self {
        let context = context.to_vec();
        let parameter = CK_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: hedge,
            pContext: address(&context),
            ulContextLen: ulen(context.len()),
        };
        Self::with_struct(kind, &parameter, vec![context])
    }

    /// CKM_HASH_ML_DSA and CKM_HASH_SLH_DSA: CK_HASH_SIGN_ADDITIONAL_CONTEXT.
    pub fn hash_sign_context(
        kind: CK_MECHANISM_TYPE,
        hedge: CK_HEDGE_TYPE,
        context: &[u8],
        hash: CK_MECHANISM_TYPE,
    ) -> Self {
        let context = context.to_vec();
        let parameter = CK_HASH_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: hedge,
            pContext: address(&context),
            ulContextLen: ulen(context.len()),
            hash,
        };
        Self::with_struct(kind, &parameter, vec![context])
    }

    /// CKM_PKCS5_PBKD2 in the layout of v2.40 and later.
    pub fn pbkdf2(prf: CK_ULONG, salt: &[u8], iterations: CK_ULONG, password: &[u8]) -> Self {
        let (salt, password) = (salt.to_vec(), password.to_vec());
        let parameter = CK_PKCS5_PBKD2_PARAMS2 {
            saltSource: CKZ_SALT_SPECIFIED,
            pSaltSourceData: address(&salt).cast(),
            ulSaltSourceDataLen: ulen(salt.len()),
            iterations,
            prf,
            pPrfData: std::ptr::null_mut(),
            ulPrfDataLen: 0,
            pPassword: address(&password),
            ulPasswordLen: ulen(password.len()),
        };
        Self::with_struct(CKM_PKCS5_PBKD2, &parameter, vec![salt, password])
    }

    /// CKM_HKDF_DERIVE with a salt given as data.
    pub fn hkdf(hash: CK_MECHANISM_TYPE, extract: bool, expand: bool, salt: &[u8], info: &[u8]) -> Self {
        let (salt, info) = (salt.to_vec(), info.to_vec());
        let parameter = CK_HKDF_PARAMS {
            bExtract: u8::from(extract),
            bExpand: u8::from(expand),
            prfHashMechanism: hash,
            ulSaltType: if salt.is_empty() { CKF_HKDF_SALT_NULL } else { CKF_HKDF_SALT_DATA },
            pSalt: address(&salt),
            ulSaltLen: ulen(salt.len()),
            hSaltKey: 0,
            pInfo: address(&info),
            ulInfoLen: ulen(info.len()),
        };
        Self::with_struct(CKM_HKDF_DERIVE, &parameter, vec![salt, info])
    }

    /// CKM_SP800_108_COUNTER_KDF for one key.
    pub fn sp800_108_counter(prf: CK_MECHANISM_TYPE, segments: Vec<Segment>) -> Self {
        let (mut structs, mut buffers, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for segment in segments {
            match segment {
                Segment::Counter { bits } => {
                    let format = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits: bits };
                    let mut words = Words::of(&format);
                    rows.push(CK_PRF_DATA_PARAM {
                        type_: CK_SP800_108_ITERATION_VARIABLE,
                        pValue: words.pointer(),
                        ulValueLen: ulen(size_of::<CK_SP800_108_COUNTER_FORMAT>()),
                    });
                    structs.push(words);
                }
                Segment::Bytes(bytes) => {
                    rows.push(CK_PRF_DATA_PARAM {
                        type_: CK_SP800_108_BYTE_ARRAY,
                        pValue: address(&bytes).cast(),
                        ulValueLen: ulen(bytes.len()),
                    });
                    buffers.push(bytes);
                }
            }
        }
        let mut joined = Words(rows.iter().flat_map(|row| Words::of(row).0).collect());
        let parameter = CK_SP800_108_KDF_PARAMS {
            prfType: prf,
            ulNumberOfDataParams: ulen(rows.len()),
            pDataParams: joined.pointer().cast(),
            ulAdditionalDerivedKeys: 0,
            pAdditionalDerivedKeys: std::ptr::null_mut(),
        };
        structs.push(joined);
        let mut mech = Self::with_struct(CKM_SP800_108_COUNTER_KDF, &parameter, buffers);
        mech.structs.extend(structs);
        mech
    }

    /// The parameter of one AES-GCM message: [`Mech::buffer`] 0 is the IV and 1 the tag.
    ///
    /// `fixed_bits` of the IV are the caller's, the rest is the generator's; `tag` is the tag to check, or
    /// room for the tag to make.
    pub fn gcm_message(
        iv: &[u8],
        fixed_bits: CK_ULONG,
        generator: CK_GENERATOR_FUNCTION,
        tag: &[u8],
    ) -> Self {
        let (mut iv, mut tag) = (iv.to_vec(), tag.to_vec());
        let parameter = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: ulen(iv.len()),
            ulIvFixedBits: fixed_bits,
            ivGenerator: generator,
            pTag: tag.as_mut_ptr(),
            ulTagBits: ulen(tag.len() * 8),
        };
        Self::with_struct(CKM_AES_GCM, &parameter, vec![iv, tag])
    }

    /// The parameter of one AES-CCM message of `data_len` bytes: [`Mech::buffer`] 0 is the nonce and 1 the MAC.
    pub fn ccm_message(
        data_len: usize,
        nonce: &[u8],
        fixed_bits: CK_ULONG,
        generator: CK_GENERATOR_FUNCTION,
        mac: &[u8],
    ) -> Self {
        let (mut nonce, mut mac) = (nonce.to_vec(), mac.to_vec());
        let parameter = CK_CCM_MESSAGE_PARAMS {
            ulDataLen: ulen(data_len),
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: ulen(nonce.len()),
            ulNonceFixedBits: fixed_bits,
            nonceGenerator: generator,
            pMAC: mac.as_mut_ptr(),
            ulMACLen: ulen(mac.len()),
        };
        Self::with_struct(CKM_AES_CCM, &parameter, vec![nonce, mac])
    }

    /// The parameter of one message of ChaCha20-Poly1305: [`Mech::buffer`] 0 is the nonce and 1 the tag of 16 bytes.
    pub fn chacha20_poly1305_message(nonce: &[u8], tag: &[u8]) -> Self {
        let (mut nonce, mut tag) = (nonce.to_vec(), tag.to_vec());
        let parameter = CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: ulen(nonce.len() * 8),
            pTag: tag.as_mut_ptr(),
        };
        Self::with_struct(CKM_CHACHA20_POLY1305, &parameter, vec![nonce, tag])
    }

    /// AES-CCM for C_WrapKey where the token makes the nonce: [`Mech::buffer`] 0, whose first `fixed_bits` stay.
    pub fn ccm_wrap(
        nonce: &[u8],
        fixed_bits: CK_ULONG,
        generator: CK_GENERATOR_FUNCTION,
        aad: &[u8],
        mac_len: usize,
    ) -> Self {
        let (mut nonce, aad) = (nonce.to_vec(), aad.to_vec());
        let parameter = CK_CCM_WRAP_PARAMS {
            ulDataLen: 0,
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: ulen(nonce.len()),
            ulNonceFixedBits: fixed_bits,
            nonceGenerator: generator,
            pAAD: address(&aad),
            ulAADLen: ulen(aad.len()),
            ulMACLen: ulen(mac_len),
        };
        Self::with_struct(CKM_AES_CCM, &parameter, vec![nonce, aad])
    }

    /// AES-GCM for C_WrapKey where the token makes the IV: [`Mech::buffer`] 0, whose first `fixed_bits` stay.
    pub fn gcm_wrap(
        iv: &[u8],
        fixed_bits: CK_ULONG,
        generator: CK_GENERATOR_FUNCTION,
        aad: &[u8],
        tag_bits: CK_ULONG,
    ) -> Self {
        let (mut iv, aad) = (iv.to_vec(), aad.to_vec());
        let parameter = CK_GCM_WRAP_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: ulen(iv.len()),
            ulIvFixedBits: fixed_bits,
            ivGenerator: generator,
            pAAD: address(&aad),
            ulAADLen: ulen(aad.len()),
            ulTagBits: tag_bits,
        };
        Self::with_struct(CKM_AES_GCM, &parameter, vec![iv, aad])
    }

    /// Overrides the parameter length that the module is told (for short and huge structs).
    pub fn claim_len(mut self, len: CK_ULONG) -> Self {
        self.len = len;
        self
    }

    /// Overrides the parameter pointer that the module is told.
    pub fn claim_pointer(mut self, pointer: *mut c_void) -> Self {
        self.pointer = pointer;
        self
    }

    /// The parameter's address and length, as the module is told.
    pub fn parameter(&self) -> (*mut c_void, CK_ULONG) {
        (self.pointer, self.len)
    }

    /// A buffer that the parameter points to, in the order of the builder's arguments: modules write
    /// generated IVs there.
    pub fn buffer(&self, index: usize) -> &[u8] {
        self.buffers.get(index).map_or(&[], Vec::as_slice)
    }

    /// The C struct, valid while `self` lives.
    pub fn raw(&self) -> CK_MECHANISM {
        CK_MECHANISM { mechanism: self.kind, pParameter: self.pointer, ulParameterLen: self.len }
    }
}

impl From<CK_MECHANISM_TYPE> for Mech {
    fn from(kind: CK_MECHANISM_TYPE) -> Self {
        Self::new(kind)
    }
}
