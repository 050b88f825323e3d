//! Key generation, wrapping and derivation.

use cryptoki_sys::*;

use super::super::fixture::{self, with};
use crate::runner::{Case, Check, Context, expect, expect_ok};
use crate::{Attr, Mech, Object, Rv, Session, cases, der, ensure, mgf1};

pub(super) fn cases() -> Vec<Case> {
    cases![
        generate_aes_errors,
        generated_aes_attributes,
        generate_rsa_errors,
        generated_pair_attributes,
        generate_ec_errors,
        failed_generation_leaves_nothing,
        wrap_errors,
        wrap_rules,
        wrap_and_unwrap_a_secret_key,
        wrap_and_unwrap_a_private_key,
        unwrap_errors,
        unwrapped_key_attributes,
        wrap_size_query,
        derive_ecdh,
        derive_errors,
        derived_key_is_as_sensitive_as_asked,
    ]
}

fn generate_aes_errors(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let mech = Mech::new(CKM_AES_KEY_GEN);
    expect(s.generate_key(&mech, &[]), &[CKR_TEMPLATE_INCOMPLETE])?;
    for length in [0, 8, 17, 33, 64, usize::MAX] {
        let bad = &[CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE];
        expect(s.generate_key(&mech, &[Attr::value_len(length)]), bad)
            .map_err(|failure| failure.at(&format!("CKA_VALUE_LEN {length}")))?;
    }
    let inconsistent = &[CKR_TEMPLATE_INCONSISTENT];
    let len = Attr::value_len(16);
    expect(s.generate_key(&mech, &[len.clone(), Attr::class(CKO_PUBLIC_KEY)]), inconsistent)?;
    expect(s.generate_key(&mech, &[len.clone(), Attr::key_type(CKK_DES3)]), inconsistent)?;
    let value = [CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID];
    expect(s.generate_key(&mech, &[len.clone(), Attr::value(&[0; 16])]), &value)?;
    expect(s.generate_key(&mech, &[len, Attr::bool(0x7fff_1234, true)]), &[CKR_ATTRIBUTE_TYPE_INVALID])
}

fn generated_aes_attributes(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    for length in [16, 24, 32] {
        let template = [
            Attr::value_len(length),
            Attr::bool(CKA_SENSITIVE, false),
            Attr::bool(CKA_EXTRACTABLE, true),
            Attr::bool(CKA_ENCRYPT, true),
        ];
        let key = s.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template)?;
        ensure!(s.get(key, CKA_VALUE)?.len() == length, "CKA_VALUE does not have {length} bytes");
        ensure!(s.get_ulong(key, CKA_VALUE_LEN)? == crate::ulen(length), "CKA_VALUE_LEN differs");
        ensure!(s.get_ulong(key, CKA_CLASS)? == CKO_SECRET_KEY, "CKA_CLASS differs");
        ensure!(s.get_ulong(key, CKA_KEY_TYPE)? == CKK_AES, "CKA_KEY_TYPE differs");
        ensure!(s.get_bool(key, CKA_LOCAL)?, "CKA_LOCAL is false");
        ensure!(s.get_bool(key, CKA_ENCRYPT)?, "CKA_ENCRYPT is false");
        ensure!(!s.get_bool(key, CKA_TOKEN)?, "CKA_TOKEN is true by default");
    }
    Ok(())
}

fn generate_rsa_errors(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
    expect(s.generate_pair(&mech, &[], &[]), &[CKR_TEMPLATE_INCOMPLETE])?;
    for bits in [0, 1, 100, 1 << 40, CK_ULONG::MAX] {
        let public = [Attr::ulong(CKA_MODULUS_BITS, bits), Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])];
        expect(s.generate_pair(&mech, &public, &[]), &[CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID])
            .map_err(|failure| failure.at(&format!("{bits} bits")))?;
    }
    for exponent in [&[0][..], &[1], &[2], &[1, 0, 0]] {
        let public = [Attr::ulong(CKA_MODULUS_BITS, 2048), Attr::bytes(CKA_PUBLIC_EXPONENT, exponent)];
        expect(s.generate_pair(&mech, &public, &[]), &[CKR_ATTRIBUTE_VALUE_INVALID])
            .map_err(|failure| failure.at(&format!("exponent {exponent:?}")))?;
    }
    Ok(())
}

fn generated_pair_attributes(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let hidden = [Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)];
    let (public, private) = fixture::rsa(&s, &hidden)?;
    ensure!(s.get_ulong(public, CKA_CLASS)? == CKO_PUBLIC_KEY, "the public key's CKA_CLASS differs");
    ensure!(s.get_ulong(private, CKA_CLASS)? == CKO_PRIVATE_KEY, "the private key's CKA_CLASS differs");
    ensure!(s.get_ulong(public, CKA_MODULUS_BITS)? == 2048, "CKA_MODULUS_BITS differs");
    ensure!(s.get(public, CKA_MODULUS)?.len() == 256, "CKA_MODULUS does not have 256 bytes");
    ensure!(s.get(private, CKA_MODULUS)? == s.get(public, CKA_MODULUS)?, "the moduli differ");
    for key in [public, private] {
        ensure!(s.get_bool(key, CKA_LOCAL)?, "CKA_LOCAL is false");
        let mechanism = s.get_ulong(key, CKA_KEY_GEN_MECHANISM)?;
        ensure!(mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN, "CKA_KEY_GEN_MECHANISM is {mechanism:#x}");
    }
    for secret in
        [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT]
    {
        expect(s.get(private, secret), &[CKR_ATTRIBUTE_SENSITIVE])?;
    }
    let (public, private) = fixture::ec(&s, &hidden)?;
    ensure!(fixture::point(&s, public)?.len() == 65, "a P-256 point does not have 65 bytes");
    ensure!(s.get(private, CKA_EC_PARAMS)? == der::curve_oid("secp256r1"), "CKA_EC_PARAMS differ");
    expect(s.get(private, CKA_VALUE), &[CKR_ATTRIBUTE_SENSITIVE])
}

pub(in crate::suites) fn generate_ec_errors(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
    expect(s.generate_pair(&mech, &[], &[]), &[CKR_TEMPLATE_INCOMPLETE])?;
    let unknown = Attr::bytes(CKA_EC_PARAMS, &[0x06, 0x03, 0x2a, 0x03, 0x04]);
    expect(s.generate_pair(&mech, &[unknown], &[]), &[CKR_CURVE_NOT_SUPPORTED])?;
    let empty = [Attr::bytes(CKA_EC_PARAMS, &[])];
    let missing = &[CKR_DOMAIN_PARAMS_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE];
    expect(s.generate_pair(&mech, &empty, &[]), missing)?;
    for rubbish in [&[0][..], &[0x06, 0x50, 0x01], &[0x30, 0x80]] {
        let bad = &[CKR_DOMAIN_PARAMS_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED];
        expect(s.generate_pair(&mech, &[Attr::bytes(CKA_EC_PARAMS, rubbish)], &[]), bad)
            .map_err(|failure| failure.at(&format!("CKA_EC_PARAMS {rubbish:?}")))?;
    }
    Ok(())
}

fn failed_generation_leaves_nothing(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let public = [Attr::ulong(CKA_MODULUS_BITS, 2048), Attr::token(true), Attr::label("half")];
    let private = [Attr::token(true), Attr::label("half"), Attr::class(CKO_DATA)];
    let refused = s.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private);
    expect(refused, &[CKR_TEMPLATE_INCONSISTENT])?;
    ensure!(s.find(&[Attr::label("half")])?.is_empty(), "half a key pair is left behind");
    Ok(())
}

fn open_key(s: &Session, value: &[u8], extra: &[Attr]) -> Result<Object, Rv> {
    let closed = [Attr::bool(CKA_WRAP, false), Attr::bool(CKA_UNWRAP, false)];
    s.create(&with(with(fixture::aes_template(value, &[CKA_ENCRYPT]), &closed), extra))
}

fn kek(s: &Session) -> Result<Object, Rv> {
    s.create(&fixture::aes_template(&[0x11; 32], &[CKA_WRAP, CKA_UNWRAP]))
}

fn unwrap_template() -> Vec<Attr> {
    let mut template = fixture::aes_template(&[], &[CKA_ENCRYPT]);
    template.retain(|attribute| attribute.kind() != CKA_VALUE);
    template
}

fn wrap_errors(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_KEY_WRAP, CKF_WRAP)?;
    let s = token.user_session()?;
    let (mech, kek, key) = (Mech::new(CKM_AES_KEY_WRAP), kek(&s)?, open_key(&s, &[2; 16], &[])?);
    expect(s.wrap(&mech, 0x0fff_ffff, key), &[CKR_WRAPPING_KEY_HANDLE_INVALID])?;
    expect(s.wrap(&mech, kek, 0x0fff_ffff), &[CKR_KEY_HANDLE_INVALID])?;
    expect(s.wrap(&mech, key, kek), &[CKR_KEY_FUNCTION_NOT_PERMITTED])?;
    let (public, _) = fixture::rsa(&s, &[])?;
    expect(s.wrap(&mech, public, key), &[CKR_WRAPPING_KEY_TYPE_INCONSISTENT])?;
    expect(s.wrap(&Mech::bytes(CKM_AES_KEY_WRAP, &[0; 3]), kek, key), &[CKR_MECHANISM_PARAM_INVALID])
}

fn wrap_rules(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_KEY_WRAP, CKF_WRAP)?;
    let s = token.user_session()?;
    let (mech, kek) = (Mech::new(CKM_AES_KEY_WRAP), kek(&s)?);
    let key = open_key(&s, &[2; 16], &[Attr::bool(CKA_EXTRACTABLE, false)])?;
    expect(s.wrap(&mech, kek, key), &[CKR_KEY_UNEXTRACTABLE])?;
    let key = open_key(&s, &[2; 16], &[Attr::bool(CKA_WRAP_WITH_TRUSTED, true)])?;
    expect(s.wrap(&mech, kek, key), &[CKR_KEY_NOT_WRAPPABLE, CKR_WRAPPING_KEY_HANDLE_INVALID])?;
    expect(s.set(key, &[Attr::bool(CKA_WRAP_WITH_TRUSTED, false)]), &[CKR_ATTRIBUTE_READ_ONLY])?;
    let sensitive = open_key(&s, &[2; 16], &[Attr::bool(CKA_SENSITIVE, true)])?;
    expect_ok(s.wrap(&mech, kek, sensitive))
}

fn wrap_and_unwrap_a_secret_key(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (kek, key) = (kek(&s)?, open_key(&s, &[2; 32], &[])?);
    let (public, private) = fixture::rsa(&s, &[])?;
    let ways = [
        (Mech::new(CKM_AES_KEY_WRAP), kek, kek),
        (Mech::new(CKM_AES_KEY_WRAP_PAD), kek, kek),
        (Mech::new(CKM_AES_KEY_WRAP_KWP), kek, kek),
        (Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]), kek, kek),
        (Mech::gcm(&[1; 12], b"", 128), kek, kek),
        (Mech::new(CKM_RSA_PKCS), public, private),
        (Mech::oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), public, private),
        (Mech::oaep(CKM_SHA256, mgf1(CKM_SHA256), b""), public, private),
        (Mech::rsa_aes_wrap(256, CKM_SHA_1, CKG_MGF1_SHA1), public, private),
    ];
    let mut tried = 0;
    for (mech, wrapping, unwrapping) in ways {
        if !token.offers(mech.kind, CKF_WRAP | CKF_UNWRAP) {
            continue;
        }
        let name = crate::names::name(crate::names::CKM, mech.kind);
        let wrapped =
            s.wrap(&mech, wrapping, key).map_err(|rv| crate::runner::Failure::from(rv).at(&name))?;
        let back = s.unwrap(&mech, unwrapping, &wrapped, &unwrap_template());
        let back = back.map_err(|rv| crate::runner::Failure::from(rv).at(&name))?;
        ensure!(s.get(back, CKA_VALUE)? == [2; 32], "{name} unwraps another key");
        tried += 1;
    }
    if tried == 0 {
        crate::skip!("no wrapping mechanism");
    }
    Ok(())
}

fn wrap_and_unwrap_a_private_key(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let kek = kek(&s)?;
    let exported = [Attr::bool(CKA_EXTRACTABLE, true), Attr::bool(CKA_SENSITIVE, true)];
    let (ec_public, ec) = fixture::ec(&s, &exported)?;
    let (rsa_public, rsa) = fixture::rsa(&s, &exported)?;
    let ways = [
        Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]),
        Mech::new(CKM_AES_KEY_WRAP_PAD),
        Mech::new(CKM_AES_KEY_WRAP_KWP),
    ];
    let mut tried = 0;
    for mech in ways {
        if !token.offers(mech.kind, CKF_WRAP | CKF_UNWRAP) {
            continue;
        }
        for (key_type, sign, public, private) in
            [(CKK_EC, CKM_ECDSA, ec_public, ec), (CKK_RSA, CKM_SHA256_RSA_PKCS, rsa_public, rsa)]
        {
            let wrapped = s.wrap(&mech, kek, private)?;
            let template = [
                Attr::class(CKO_PRIVATE_KEY),
                Attr::key_type(key_type),
                Attr::token(false),
                Attr::bool(CKA_SIGN, true),
            ];
            let back = s.unwrap(&mech, kek, &wrapped, &template)?;
            let signature = s.sign(&Mech::new(sign), back, &[3; 32])?;
            s.verify(&Mech::new(sign), public, &[3; 32], &signature)?;
            let other = [template.to_vec(), vec![Attr::key_type(CKK_DSA)]].concat();
            let mistyped = s.unwrap(&mech, kek, &wrapped, &with(Vec::new(), &other));
            ensure!(mistyped.is_err(), "a key is unwrapped as another key type");
        }
        tried += 1;
    }
    if tried == 0 {
        crate::skip!("no mechanism wraps private keys");
    }
    Ok(())
}

fn unwrap_errors(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP)?;
    let s = token.user_session()?;
    let (mech, kek, key) = (Mech::new(CKM_AES_KEY_WRAP), kek(&s)?, open_key(&s, &[2; 16], &[])?);
    let wrapped = s.wrap(&mech, kek, key)?;
    let template = unwrap_template();
    expect(s.unwrap(&mech, 0x0fff_ffff, &wrapped, &template), &[CKR_UNWRAPPING_KEY_HANDLE_INVALID])?;
    expect(s.unwrap(&mech, key, &wrapped, &template), &[CKR_KEY_FUNCTION_NOT_PERMITTED])?;
    let (_, private) = fixture::rsa(&s, &[])?;
    expect(s.unwrap(&mech, private, &wrapped, &template), &[CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT])?;
    let invalid = &[CKR_WRAPPED_KEY_INVALID];
    let mut changed = wrapped.clone();
    if let Some(byte) = changed.first_mut() {
        *byte ^= 1;
    }
    expect(s.unwrap(&mech, kek, &changed, &template), invalid)?;
    for length in [0, 8, 16, 23, 25] {
        let mut cut = wrapped.clone();
        cut.resize(length, 0);
        expect(s.unwrap(&mech, kek, &cut, &template), &[CKR_WRAPPED_KEY_LEN_RANGE, CKR_WRAPPED_KEY_INVALID])
            .map_err(|failure| failure.at(&format!("{length} bytes")))?;
    }
    expect(s.unwrap(&mech, kek, &wrapped, &[Attr::class(CKO_SECRET_KEY)]), &[CKR_TEMPLATE_INCOMPLETE])?;
    let lies = with(unwrap_template(), &[Attr::value_len(32)]);
    let refused = &[
        CKR_TEMPLATE_INCONSISTENT,
        CKR_ATTRIBUTE_VALUE_INVALID,
        CKR_WRAPPED_KEY_LEN_RANGE,
        CKR_ATTRIBUTE_READ_ONLY,
    ];
    expect(s.unwrap(&mech, kek, &wrapped, &lies), refused)
}

fn unwrapped_key_attributes(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP)?;
    let s = token.user_session()?;
    let (mech, kek, key) = (Mech::new(CKM_AES_KEY_WRAP), kek(&s)?, open_key(&s, &[2; 16], &[])?);
    let wrapped = s.wrap(&mech, kek, key)?;
    let extra = [Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)];
    let back = s.unwrap(&mech, kek, &wrapped, &with(unwrap_template(), &extra))?;
    for kind in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
        let name = crate::names::name(crate::names::CKA, kind);
        ensure!(!s.get_bool(back, kind)?, "{name} of an unwrapped key is true");
    }
    expect(s.get(back, CKA_VALUE), &[CKR_ATTRIBUTE_SENSITIVE])
}

fn wrap_size_query(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_KEY_WRAP, CKF_WRAP)?;
    let s = token.user_session()?;
    let (mech, kek, key) = (Mech::new(CKM_AES_KEY_WRAP), kek(&s)?, open_key(&s, &[2; 16], &[])?);
    let (mut raw, mut len, mut buffer) = (mech.raw(), 0, [0_u8; 64]);
    let (m, h) = (s.module(), s.handle());
    Rv::check(crate::call!(m, C_WrapKey(h, &mut raw, kek, key, std::ptr::null_mut(), &mut len)).0)?;
    ensure!((24..=64).contains(&len), "the size query gives {len} for a 16-byte key");
    let mut short = 23;
    let rv = crate::call!(m, C_WrapKey(h, &mut raw, kek, key, buffer.as_mut_ptr(), &mut short));
    crate::runner::expect_rv(rv, &[CKR_BUFFER_TOO_SMALL])?;
    ensure!(short >= 24, "CKR_BUFFER_TOO_SMALL asks for {short}");
    Ok(())
}

fn secret_of_32() -> Vec<Attr> {
    let mut template = fixture::secret_template(&[]);
    template.retain(|attribute| attribute.kind() != CKA_VALUE);
    template.push(Attr::value_len(32));
    template
}

fn derive_ecdh(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_ECDH1_DERIVE, CKF_DERIVE)?;
    let s = token.user_session()?;
    let ((a_public, a), (b_public, b)) = (fixture::ec(&s, &[])?, fixture::ec(&s, &[])?);
    let agree = |private, public| -> Result<Vec<u8>, Rv> {
        let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &fixture::point(&s, public)?);
        s.get(s.derive(&mech, private, &secret_of_32())?, CKA_VALUE)
    };
    let shared = agree(a, b_public)?;
    ensure!(shared == agree(b, a_public)?, "the two sides derive different secrets");
    let wrapped = der::octet_string(&fixture::point(&s, b_public)?);
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &wrapped);
    let key = s.derive(&mech, a, &secret_of_32())?;
    ensure!(s.get(key, CKA_VALUE)? == shared, "a point in an OCTET STRING derives another secret");
    let template =
        with(secret_of_32(), &[Attr::key_type(CKK_AES), Attr::bool(CKA_ENCRYPT, true), Attr::value_len(16)]);
    let template: Vec<Attr> = template
        .into_iter()
        .filter(|attribute| ![CKA_SIGN, CKA_VERIFY].contains(&attribute.kind()))
        .collect();
    let aes = s.derive(&mech, a, &template)?;
    // The truncation removes bytes from the leading end of the secret value.
    ensure!(s.get(aes, CKA_VALUE)? == shared[16..], "a shorter key is not the end of the secret");
    Ok(())
}

fn derive_errors(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_ECDH1_DERIVE, CKF_DERIVE)?;
    let s = token.user_session()?;
    let (public, private) = fixture::ec(&s, &[])?;
    let point = fixture::point(&s, public)?;
    let ecdh = |point: &[u8]| Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], point);
    let (_, closed) = fixture::ec(&s, &[Attr::bool(CKA_DERIVE, false)])?;
    expect(s.derive(&ecdh(&point), closed, &secret_of_32()), &[CKR_KEY_FUNCTION_NOT_PERMITTED])?;
    let aes = s.create(&fixture::aes_template(&[1; 16], &[CKA_DERIVE]))?;
    expect(s.derive(&ecdh(&point), aes, &secret_of_32()), &[CKR_KEY_TYPE_INCONSISTENT])?;
    let bad = &[CKR_MECHANISM_PARAM_INVALID, CKR_PUBLIC_KEY_INVALID];
    let mut off = point.clone();
    if let Some(byte) = off.last_mut() {
        *byte ^= 1;
    }
    for wrong in [&off[..], &point[..64], &[0], &[], &[4; 65]] {
        expect(s.derive(&ecdh(wrong), private, &secret_of_32()), bad)?;
    }
    let kdf = Mech::ecdh(CKM_ECDH1_DERIVE, 0x7fff, &[], &point);
    expect(s.derive(&kdf, private, &secret_of_32()), &[CKR_MECHANISM_PARAM_INVALID])?;
    let long = with(secret_of_32(), &[Attr::value_len(33)]);
    let refused =
        &[CKR_TEMPLATE_INCONSISTENT, CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID, CKR_DATA_LEN_RANGE];
    expect(s.derive(&ecdh(&point), private, &long), refused)?;
    let data = with(secret_of_32(), &[Attr::class(CKO_DATA)]);
    expect(s.derive(&ecdh(&point), private, &data), &[CKR_TEMPLATE_INCONSISTENT])
}

fn derived_key_is_as_sensitive_as_asked(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_ECDH1_DERIVE, CKF_DERIVE)?;
    let s = token.user_session()?;
    let (public, private) = fixture::ec(&s, &[])?;
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &fixture::point(&s, public)?);
    let hidden = with(secret_of_32(), &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)]);
    let key = s.derive(&mech, private, &hidden)?;
    expect(s.get(key, CKA_VALUE), &[CKR_ATTRIBUTE_SENSITIVE])?;
    ensure!(!s.get_bool(key, CKA_LOCAL)?, "CKA_LOCAL of a derived key is true");
    Ok(())
}
