//! Null pointers, impossible lengths, unaligned addresses: a module refuses them and lives.

use std::ffi::c_void;
use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, Failure, expect, expect_ok, expect_rv};
use crate::{Attr, Mech, RW, RawTemplate, Rv, call, cases, ensure, names, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        null_outputs,
        null_data_with_length,
        null_templates,
        null_attribute_values,
        null_random,
        huge_attribute_lengths,
        huge_requested_lengths,
        huge_output_claims,
        huge_parameter_fields,
        short_parameter_structs,
        null_parameter_with_length,
        null_pointers_inside_parameters,
        pbkdf2_in_the_old_layout,
        unaligned_pointers,
        long_find_buffers,
        long_labels,
        many_attributes,
        init_token_null,
    ]
}

/// What may be said about a pointer that is null although it must not be.
const BAD: &[CK_RV] = &[CKR_ARGUMENTS_BAD];
/// The same inside a mechanism parameter or a template.
const BAD_INSIDE: &[CK_RV] =
    &[CKR_ARGUMENTS_BAD, CKR_MECHANISM_PARAM_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE];

fn null_outputs(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (m, h) = (s.module().clone(), s.handle());
    let key = fixture::aes(&s, &[])?;
    let secret = fixture::secret(&s, &[1; 32])?;
    let (cbc, hmac) = (Mech::bytes(CKM_AES_CBC, &[0; 16]), Mech::new(CKM_SHA256_HMAC));
    let mut data = [0_u8; 16];
    let p = data.as_mut_ptr();
    s.encrypt_init(&cbc, key)?;
    expect_rv(call!(m, C_Encrypt(h, p, 16, p, null_mut())), BAD)?;
    let other = token.user_session()?;
    other.encrypt_init(&cbc, key)?;
    expect_rv(call!(m, C_EncryptUpdate(other.handle(), p, 16, p, null_mut())), BAD)?;
    let other = token.user_session()?;
    other.decrypt_init(&cbc, key)?;
    expect_rv(call!(m, C_Decrypt(other.handle(), p, 16, p, null_mut())), BAD)?;
    let other = token.user_session()?;
    other.digest_init(&Mech::new(CKM_SHA256))?;
    expect_rv(call!(m, C_Digest(other.handle(), p, 16, p, null_mut())), BAD)?;
    let other = token.user_session()?;
    other.sign_init(&hmac, secret)?;
    expect_rv(call!(m, C_Sign(other.handle(), p, 16, p, null_mut())), BAD)?;
    let idle = &[CKR_ARGUMENTS_BAD, CKR_OPERATION_NOT_INITIALIZED];
    expect_rv(call!(m, C_FindObjects(h, null_mut(), 1, null_mut())), idle)?;
    let mut template = fixture::data_template("x", b"x");
    template.truncate(4);
    let mut raw = RawTemplate::new(&template);
    expect_rv(call!(m, C_CreateObject(h, raw.as_mut_ptr(), raw.count(), null_mut())), BAD)?;
    let mut generate = Mech::new(CKM_AES_KEY_GEN).raw();
    expect_rv(call!(m, C_GenerateKey(h, &mut generate, null_mut(), 0, null_mut())), BAD)?;
    let mut wrap = Mech::new(CKM_AES_KEY_WRAP).raw();
    expect_rv(call!(m, C_WrapKey(h, &mut wrap, key, secret, p, null_mut())), BAD)?;
    expect_rv(
        call!(m, C_GetOperationState(h, null_mut(), null_mut())),
        &[CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED],
    )
}

fn null_data_with_length(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (m, h) = (s.module().clone(), s.handle());
    let (key, secret) = (fixture::aes(&s, &[])?, fixture::secret(&s, &[1; 32])?);
    let (cbc, hmac) = (Mech::bytes(CKM_AES_CBC, &[0; 16]), Mech::new(CKM_SHA256_HMAC));
    for claimed in [16, CK_ULONG::MAX, CK_ULONG::MAX / 2 + 1] {
        let (mut out, mut len) = ([0_u8; 64], 64);
        let (o, n) = (out.as_mut_ptr(), &raw mut len);
        let _ = s.encrypt_init(&cbc, key);
        expect_rv(call!(m, C_Encrypt(h, null_mut(), claimed, o, n)), BAD)?;
        let _ = s.decrypt_init(&cbc, key);
        expect_rv(call!(m, C_Decrypt(h, null_mut(), claimed, o, n)), BAD)?;
        let _ = s.digest_init(&Mech::new(CKM_SHA256));
        expect_rv(call!(m, C_Digest(h, null_mut(), claimed, o, n)), BAD)?;
        let _ = s.digest_init(&Mech::new(CKM_SHA256));
        expect_rv(call!(m, C_DigestUpdate(h, null_mut(), claimed)), BAD)?;
        let _ = s.sign_init(&hmac, secret);
        expect_rv(call!(m, C_Sign(h, null_mut(), claimed, o, n)), BAD)?;
        let _ = s.verify_init(&hmac, secret);
        expect_rv(call!(m, C_Verify(h, null_mut(), claimed, o, 32)), BAD)?;
        let _ = s.verify_init(&hmac, secret);
        expect_rv(call!(m, C_Verify(h, o, 16, null_mut(), claimed)), BAD)?;
        let seeded = call!(m, C_SeedRandom(h, null_mut(), claimed));
        expect_rv(seeded, &[CKR_ARGUMENTS_BAD, CKR_RANDOM_SEED_NOT_SUPPORTED])?;
    }
    Ok(())
}

fn null_templates(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (m, h, mut handle) = (s.module().clone(), s.handle(), 0);
    let object = s.create(&fixture::data_template("x", b"x"))?;
    for count in [1, 1000, CK_ULONG::MAX] {
        expect_rv(call!(m, C_CreateObject(h, null_mut(), count, &mut handle)), BAD)?;
        expect_rv(call!(m, C_CopyObject(h, object, null_mut(), count, &mut handle)), BAD)?;
        expect_rv(call!(m, C_GetAttributeValue(h, object, null_mut(), count)), BAD)?;
        expect_rv(call!(m, C_SetAttributeValue(h, object, null_mut(), count)), BAD)?;
        expect_rv(call!(m, C_FindObjectsInit(h, null_mut(), count)), BAD)?;
        let mut mech = Mech::new(CKM_AES_KEY_GEN).raw();
        expect_rv(call!(m, C_GenerateKey(h, &mut mech, null_mut(), count, &mut handle)), BAD)?;
    }
    Ok(())
}

fn null_attribute_values(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let template = fixture::data_template("x", b"x");
    for length in [1, 8, CK_ULONG::MAX] {
        for index in 0..template.len() {
            let mut raw = RawTemplate::new(&template);
            if let Some(attribute) = raw.attributes_mut().get_mut(index) {
                (attribute.pValue, attribute.ulValueLen) = (null_mut(), length);
            }
            let mut handle = 0;
            let rv =
                call!(s.module(), C_CreateObject(s.handle(), raw.as_mut_ptr(), raw.count(), &mut handle));
            expect_rv(rv, BAD_INSIDE)?;
            let rv = call!(s.module(), C_FindObjectsInit(s.handle(), raw.as_mut_ptr(), raw.count()));
            expect_rv(rv, &[CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID, CKR_OK])?;
            let _ = s.find_final();
        }
    }
    Ok(())
}

pub(in crate::suites) fn null_random(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    for length in [1, 16, CK_ULONG::MAX] {
        expect_rv(call!(s.module(), C_GenerateRandom(s.handle(), null_mut(), length)), BAD)?;
    }
    expect_rv(call!(s.module(), C_GenerateRandom(s.handle(), null_mut(), 0)), &[CKR_OK, CKR_ARGUMENTS_BAD])
}

/// A claimed attribute length that no buffer can have.
fn huge_attribute_lengths(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let object = s.create(&fixture::data_template("x", b"x"))?;
    let mut buffer = [0_u8; 32];
    // Reading: the buffer is large enough, whatever is claimed.
    for claimed in [CK_ULONG::MAX, CK_ULONG::MAX - 1, 1 << 63] {
        let mut attribute =
            CK_ATTRIBUTE { type_: CKA_LABEL, pValue: buffer.as_mut_ptr().cast(), ulValueLen: claimed };
        let rv = call!(s.module(), C_GetAttributeValue(s.handle(), object, &mut attribute, 1));
        expect_rv(rv, &[CKR_OK, CKR_BUFFER_TOO_SMALL, CKR_ARGUMENTS_BAD])?;
    }
    // Writing: fixed-size attributes have one right length only.
    for kind in [CKA_CLASS, CKA_TOKEN, CKA_PRIVATE] {
        let mut attribute =
            CK_ATTRIBUTE { type_: kind, pValue: buffer.as_mut_ptr().cast(), ulValueLen: CK_ULONG::MAX };
        let mut handle = 0;
        let rv = call!(s.module(), C_CreateObject(s.handle(), &mut attribute, 1, &mut handle));
        expect_rv(rv, BAD_INSIDE)?;
    }
    Ok(())
}

pub(in crate::suites) fn huge_requested_lengths(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let bad = &[CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE, CKR_TEMPLATE_INCONSISTENT];
    for length in [CK_ULONG::MAX, CK_ULONG::MAX - 15, 1 << 63, 1 << 40, 1 << 32] {
        let template = [Attr::ulong(CKA_VALUE_LEN, length)];
        let place = |failure: Failure| failure.at(&format!("CKA_VALUE_LEN {length:#x}"));
        expect(s.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template), bad).map_err(place)?;
        if token.offers(CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE) {
            expect(s.generate_key(&Mech::new(CKM_GENERIC_SECRET_KEY_GEN), &template), bad).map_err(place)?;
        }
    }
    Ok(())
}

/// An output length far beyond the buffer that is needed must not be allocated or refused.
fn huge_output_claims(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let (mut data, mut out) = ([0_u8; 16], [0_u8; 64]);
    for claimed in [CK_ULONG::MAX - 1, 1 << 63, 1 << 40] {
        s.encrypt_init(&Mech::bytes(CKM_AES_CBC, &[0; 16]), key)?;
        let mut len = claimed;
        let rv = call!(s.module(), C_Encrypt(s.handle(), data.as_mut_ptr(), 16, out.as_mut_ptr(), &mut len));
        expect_rv(rv, &[CKR_OK])?;
        ensure!(len == 16, "C_Encrypt says it wrote {len} bytes");
        s.digest_init(&Mech::new(CKM_SHA256))?;
        let mut len = claimed;
        let rv = call!(s.module(), C_Digest(s.handle(), data.as_mut_ptr(), 16, out.as_mut_ptr(), &mut len));
        expect_rv(rv, &[CKR_OK])?;
        ensure!(len == 32, "C_Digest says it wrote {len} bytes");
    }
    Ok(())
}

fn huge_parameter_fields(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret) = (fixture::aes(&s, &[])?, fixture::secret(&s, &[1; 32])?);
    let (public, private) = fixture::rsa(&s, &[])?;
    let bad = &[CKR_MECHANISM_PARAM_INVALID, CKR_KEY_SIZE_RANGE, CKR_ARGUMENTS_BAD];
    for huge in [CK_ULONG::MAX, 1 << 63, 1 << 33] {
        let length = crate::size(huge);
        if token.offers(CKM_SHA256_RSA_PKCS_PSS, CKF_SIGN) {
            let pss = Mech::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, length);
            let refused = s.sign_init(&pss, private).and_then(|()| s.sign_once(b"m"));
            expect(
                refused,
                &[CKR_MECHANISM_PARAM_INVALID, CKR_KEY_SIZE_RANGE, CKR_ARGUMENTS_BAD, CKR_DATA_LEN_RANGE],
            )?;
            let _ = s.verify_init(&pss, public).and_then(|()| s.verify_once(b"m", &[0; 256]));
        }
        if token.offers(CKM_SHA256_HMAC_GENERAL, CKF_SIGN) {
            expect(s.sign_init(&Mech::ulong(CKM_SHA256_HMAC_GENERAL, huge), secret), bad)?;
        }
        if token.offers(CKM_AES_GCM, CKF_ENCRYPT) {
            for (iv, aad) in [(true, false), (false, true)] {
                let mut bytes = [0_u8; 16];
                let parameter = CK_GCM_PARAMS {
                    pIv: if iv { null_mut() } else { bytes.as_mut_ptr() },
                    ulIvLen: if iv { huge } else { 12 },
                    ulIvBits: 96,
                    pAAD: null_mut(),
                    ulAADLen: if aad { huge } else { 0 },
                    ulTagBits: 128,
                };
                let mech = Mech::with_struct(CKM_AES_GCM, &parameter, Vec::new());
                expect(s.encrypt_init(&mech, key), bad)?;
            }
        }
        if token.offers(CKM_AES_CCM, CKF_ENCRYPT) {
            let parameter = CK_CCM_PARAMS {
                ulDataLen: huge,
                pNonce: null_mut(),
                ulNonceLen: 7,
                pAAD: null_mut(),
                ulAADLen: 0,
                ulMACLen: 8,
            };
            expect(s.encrypt_init(&Mech::with_struct(CKM_AES_CCM, &parameter, Vec::new()), key), bad)?;
        }
    }
    Ok(())
}

/// Mechanisms with a parameter struct, each with a key that would fit.
fn parameterised(s: &crate::Session) -> Result<Vec<(Mech, crate::Object, CK_FLAGS)>, Rv> {
    let key = fixture::aes(s, &[])?;
    let (_, rsa) = fixture::rsa(s, &[])?;
    let (public, ec) = fixture::ec(s, &[])?;
    let point = fixture::point(s, public)?;
    Ok(vec![
        (Mech::gcm(&[0; 12], b"", 128), key, CKF_DECRYPT),
        (Mech::ccm(&[0; 12], b"", 16, 16), key, CKF_DECRYPT),
        (Mech::ctr(128, [0; 16]), key, CKF_DECRYPT),
        (Mech::bytes(CKM_AES_CBC, &[0; 16]), key, CKF_DECRYPT),
        (Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]), key, CKF_DECRYPT),
        (Mech::oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), rsa, CKF_DECRYPT),
        (Mech::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32), rsa, CKF_SIGN),
        (Mech::ulong(CKM_AES_CMAC_GENERAL, 8), key, CKF_SIGN),
        (Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &point), ec, CKF_DERIVE),
    ])
}

fn begin(s: &crate::Session, (mech, key, usage): (&Mech, crate::Object, CK_FLAGS)) -> Result<(), Rv> {
    match usage {
        CKF_DECRYPT => s.decrypt_init(mech, key),
        CKF_SIGN => s.sign_init(mech, key),
        _ => {
            let mut template = fixture::secret_template(&[]);
            template.retain(|attribute| attribute.kind() != CKA_VALUE);
            template.push(Attr::value_len(32));
            s.derive(mech, key, &template).map(drop)
        }
    }
}

fn short_parameter_structs(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    for (mech, key, usage) in parameterised(&s)? {
        if !token.offers(mech.kind, usage) {
            continue;
        }
        let (pointer, whole) = mech.parameter();
        for length in [0, 1, whole / 2, whole - 1] {
            let name = names::name(names::CKM, mech.kind);
            let short = Mech::new(mech.kind).claim_pointer(pointer).claim_len(length);
            expect(begin(&s, (&short, key, usage)), &[CKR_MECHANISM_PARAM_INVALID])
                .map_err(|failure| failure.at(&format!("{name} with {length} of {whole} bytes")))?;
        }
    }
    Ok(())
}

fn null_parameter_with_length(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    for (mech, key, usage) in parameterised(&s)? {
        if !token.offers(mech.kind, usage) {
            continue;
        }
        let (_, whole) = mech.parameter();
        for length in [whole, CK_ULONG::MAX] {
            let name = names::name(names::CKM, mech.kind);
            let null = Mech::new(mech.kind).claim_len(length);
            expect(begin(&s, (&null, key, usage)), &[CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD])
                .map_err(|failure| failure.at(&format!("{name} with a null parameter of {length} bytes")))?;
        }
    }
    Ok(())
}

pub(in crate::suites) fn null_pointers_inside_parameters(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, mut iv) = (fixture::aes(&s, &[])?, [0_u8; 12]);
    let bad = &[CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD];
    if token.offers(CKM_AES_GCM, CKF_ENCRYPT) {
        let mut gcm = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: null_mut(),
            ulAADLen: 16,
            ulTagBits: 128,
        };
        expect(s.encrypt_init(&Mech::with_struct(CKM_AES_GCM, &gcm, Vec::new()), key), bad)?;
        (gcm.pIv, gcm.ulAADLen) = (null_mut(), 0);
        expect(s.encrypt_init(&Mech::with_struct(CKM_AES_GCM, &gcm, Vec::new()), key), bad)?;
    }
    if token.offers(CKM_RSA_PKCS_OAEP, CKF_DECRYPT) {
        let (_, private) = fixture::rsa(&s, &[])?;
        let oaep = CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: CKM_SHA_1,
            mgf: CKG_MGF1_SHA1,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: null_mut(),
            ulSourceDataLen: 16,
        };
        expect(s.decrypt_init(&Mech::with_struct(CKM_RSA_PKCS_OAEP, &oaep, Vec::new()), private), bad)?;
    }
    Ok(())
}

/// The struct of before v2.40 carries a pointer where the newer one carries the password's length.
pub(in crate::suites) fn pbkdf2_in_the_old_layout(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_PKCS5_PBKD2, CKF_GENERATE)?;
    let s = token.user_session()?;
    let (mut salt, mut password, mut length) = (*b"salt", *b"password", 8);
    let old = CK_PKCS5_PBKD2_PARAMS {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: salt.as_mut_ptr().cast(),
        ulSaltSourceDataLen: 4,
        iterations: 1000,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        pPrfData: null_mut(),
        ulPrfDataLen: 0,
        pPassword: password.as_mut_ptr(),
        ulPasswordLen: &mut length,
    };
    let mech = Mech::with_struct(CKM_PKCS5_PBKD2, &old, Vec::new());
    let template = [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_GENERIC_SECRET), Attr::value_len(32)];
    expect(s.generate_key(&mech, &template), &[CKR_OK, CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD])
}

/// Values and structs at odd addresses, as packed host structures have them.
fn unaligned_pointers(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let mut buffer = [0_u8; 65];
    let (class, odd) = (CKO_DATA.to_ne_bytes(), buffer.as_mut_ptr().wrapping_add(1));
    buffer.iter_mut().skip(1).zip(class).for_each(|(target, byte)| *target = byte);
    let mut attribute = CK_ATTRIBUTE { type_: CKA_CLASS, pValue: odd.cast(), ulValueLen: 8 };
    let mut handle = 0;
    expect_rv(call!(s.module(), C_CreateObject(s.handle(), &mut attribute, 1, &mut handle)), &[CKR_OK])?;
    buffer = [0; 65];
    let rv = call!(s.module(), C_GetAttributeValue(s.handle(), handle, &mut attribute, 1));
    expect_rv(rv, &[CKR_OK])?;
    ensure!(buffer.get(1..9) == Some(&class), "an unaligned CK_ULONG is read wrongly");
    if token.offers(CKM_AES_CTR, CKF_ENCRYPT) {
        let mech = Mech::ctr(128, [9; 16]);
        let wanted = s.encrypt(&mech, key, b"aligned")?;
        let (pointer, length) = mech.parameter();
        // SAFETY: the parameter has `length` bytes and the buffer has room for them behind its first byte.
        unsafe { odd.copy_from_nonoverlapping(pointer.cast(), crate::size(length)) };
        let mech = Mech::new(CKM_AES_CTR).claim_pointer(odd.cast::<c_void>()).claim_len(length);
        ensure!(s.encrypt(&mech, key, b"aligned")? == wanted, "an unaligned parameter is read wrongly");
    }
    Ok(())
}

fn long_find_buffers(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let object = s.create(&fixture::data_template("one", b"x"))?;
    s.find_init(&[Attr::label("one")])?;
    let (mut handles, mut count) = ([0; 4], 0);
    let rv = call!(s.module(), C_FindObjects(s.handle(), handles.as_mut_ptr(), CK_ULONG::MAX, &mut count));
    expect_rv(rv, &[CKR_OK])?;
    ensure!(count == 1 && handles[0] == object, "{count} objects found");
    s.find_final()?;
    s.find_init(&[])?;
    expect_rv(call!(s.module(), C_FindObjects(s.handle(), null_mut(), 4, &mut count)), BAD)
}

fn long_labels(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let long = "l".repeat(1 << 16);
    let object = s.create(&fixture::with(fixture::data_template("", b"x"), &[Attr::label(&long)]))?;
    ensure!(s.get(object, CKA_LABEL)? == long.as_bytes(), "a label of 64 KiB is cut");
    ensure!(s.find(&[Attr::label(&long)])? == [object], "a label of 64 KiB is not found");
    let odd = Attr::bytes(CKA_LABEL, &[0xff, 0xfe, 0x00, 0x80]);
    expect(
        s.create(&fixture::with(fixture::data_template("", b"x"), &[odd])),
        &[CKR_OK, CKR_ATTRIBUTE_VALUE_INVALID],
    )
}

fn many_attributes(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let object = s.create(&fixture::data_template("x", b"x"))?;
    let wanted = vec![(CKA_LABEL, 8); 5000];
    let (rv, rows) = s.fetch(object, &wanted);
    expect_rv(rv, &[CKR_OK, CKR_ARGUMENTS_BAD])?;
    ensure!(rv != CKR_OK || rows.iter().all(|row| row.value == b"x"), "not every attribute is given");
    let same = vec![Attr::label("x"); 5000];
    expect(s.find(&same), &[CKR_OK, CKR_ARGUMENTS_BAD, CKR_TEMPLATE_INCONSISTENT])
}

fn init_token_null(context: &Context) -> Check {
    let token = context.token()?;
    token.module.close_all_sessions(token.slot)?;
    let mut label = [b' '; 32];
    let (mut pin, slot) = (crate::token::SO_PIN.to_owned().into_bytes(), token.slot);
    let rv = call!(token.module, C_InitToken(slot, null_mut(), ulen(pin.len()), label.as_mut_ptr()));
    expect_rv(rv, &[CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT])?;
    let rv = call!(token.module, C_InitToken(slot, pin.as_mut_ptr(), ulen(pin.len()), null_mut()));
    expect_rv(rv, BAD)?;
    let session = token.module.open_session(token.slot, RW)?;
    expect_ok(session.login(CKU_USER, crate::token::USER_PIN))?;
    let rv = call!(token.module, C_SetPIN(session.handle(), null_mut(), 8, null_mut(), 8));
    expect_rv(rv, &[CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT])
}
