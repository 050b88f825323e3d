//! One handler per function that the cases call: makes the call, compares the response, gives the rv.

use cryptoki_sys::*;
use roxmltree::Node;

use super::player::{Player, attribute_type, child, constant, flags, number, template, value};
use crate::runner::Check;
use crate::{Mech, Object, Rv, ensure, names, unhex};

type Handler = fn(&mut Player, Node<'_, '_>, Node<'_, '_>) -> Check<Rv>;

pub(super) const HANDLERS: &[(&str, Handler)] = &[
    ("C_Initialize", |player, _, _| Ok(Rv::of(&player.module.initialize(player.reserved.as_deref())))),
    ("C_Finalize", |player, _, _| Ok(Rv::of(&player.module.finalize()))),
    ("C_GetInfo", info),
    ("C_GetSlotList", slot_list),
    ("C_GetSlotInfo", slot_info),
    ("C_GetTokenInfo", token_info),
    ("C_GetMechanismList", mechanism_list),
    ("C_GetMechanismInfo", mechanism_info),
    ("C_OpenSession", open_session),
    ("C_CloseSession", |player, _, _| {
        Ok(player.session.take().map_or(Rv(CKR_SESSION_HANDLE_INVALID), |session| Rv::of(&session.close())))
    }),
    ("C_CloseAllSessions", |player, _, _| Ok(Rv::of(&player.module.close_all_sessions(player.slot)))),
    ("C_Login", login),
    ("C_Logout", |player, _, _| Ok(Rv::of(&player.session()?.logout()))),
    ("C_FindObjectsInit", |player, request, _| {
        let template = template(child(request, "Template")?)?;
        Ok(Rv::of(&player.session()?.find_init(&template)))
    }),
    ("C_FindObjects", find),
    ("C_FindObjectsFinal", |player, _, _| Ok(Rv::of(&player.session()?.find_final()))),
    ("C_GetAttributeValue", attributes),
    ("C_SignInit", sign_init),
    ("C_Sign", sign),
];

/// Checks that every flag listed in the response's structure is set.
fn has_flags(structure: Node<'_, '_>, got: CK_FLAGS) -> Check {
    let wanted = flags(value(child(structure, "Flags")?)?)?;
    ensure!(got & wanted == wanted, "flags are {got:#x}, the case lists {wanted:#x}");
    Ok(())
}

fn info(player: &mut Player, _: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let info = player.module.info();
    if let Ok(info) = info {
        let wanted = flags(value(child(child(response, "Info")?, "Flags")?)?)?;
        ensure!(info.flags == wanted, "flags are {:#x}", info.flags);
    }
    Ok(Rv::of(&info))
}

fn slot_list(player: &mut Player, request: Node<'_, '_>, _: Node<'_, '_>) -> Check<Rv> {
    let present = value(child(request, "TokenPresent")?)?.eq_ignore_ascii_case("true");
    let slots = player.module.slots(present);
    if let Ok(slots) = &slots {
        ensure!(slots.contains(&player.slot), "the token's slot {} is not in {slots:?}", player.slot);
    }
    Ok(Rv::of(&slots))
}

fn slot_info(player: &mut Player, _: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let info = player.module.slot_info(player.slot);
    if let Ok(info) = info {
        has_flags(child(response, "SlotInfo")?, info.flags)?;
    }
    Ok(Rv::of(&info))
}

fn token_info(player: &mut Player, _: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let info = player.module.token_info(player.slot);
    if let Ok(info) = info {
        has_flags(child(response, "TokenInfo")?, info.flags)?;
    }
    Ok(Rv::of(&info))
}

fn mechanism_list(player: &mut Player, _: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let mechanisms = player.module.mechanisms(player.slot);
    if let Ok(mechanisms) = &mechanisms {
        for node in child(response, "MechanismList")?.children().filter(Node::is_element) {
            let wanted = constant(names::CKM, "CKM_", value(node)?)?;
            ensure!(mechanisms.contains(&wanted), "{} is not listed", names::name(names::CKM, wanted));
        }
    }
    Ok(Rv::of(&mechanisms))
}

fn mechanism_info(player: &mut Player, request: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let mechanism = constant(names::CKM, "CKM_", value(child(request, "Type")?)?)?;
    let info = player.module.mechanism_info(player.slot, mechanism);
    if let Ok(info) = info {
        has_flags(child(response, "MechanismInfo")?, info.flags)?;
    }
    Ok(Rv::of(&info))
}

fn open_session(player: &mut Player, request: Node<'_, '_>, _: Node<'_, '_>) -> Check<Rv> {
    let session = player.module.open_session(player.slot, flags(value(child(request, "Flags")?)?)?);
    let rv = Rv::of(&session);
    player.session = session.ok();
    Ok(rv)
}

fn login(player: &mut Player, request: Node<'_, '_>, _: Node<'_, '_>) -> Check<Rv> {
    let user = constant(names::CKU, "CKU_", value(child(request, "UserType")?)?)?;
    let pin = player.pin(child(request, "Pin")?)?;
    Ok(Rv::of(&player.session()?.login(user, &pin)))
}

fn find(player: &mut Player, request: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let limit = child(request, "Object")?.attribute("length").and_then(number).map_or(1, crate::size);
    let listed = child(response, "Object")?.children().filter(Node::is_element).count();
    player.found.clear();
    player.bound.clear();
    // The whole search, in pages of the case's size: the token may have objects of its own (profiles).
    loop {
        let page = match player.session()?.find_next(limit) {
            Ok(page) => page,
            Err(rv) => return Ok(rv),
        };
        ensure!(page.len() <= limit, "{} objects where at most {limit} were asked for", page.len());
        if page.is_empty() {
            break;
        }
        player.found.extend(page);
    }
    ensure!(player.found.len() >= listed, "{} objects found, the case lists {listed}", player.found.len());
    Ok(Rv(CKR_OK))
}

fn attributes(player: &mut Player, request: Node<'_, '_>, response: Node<'_, '_>) -> Check<Rv> {
    let node = child(request, "Object")?;
    let index = super::player::index(value(node)?)?;
    let expected = child(response, "Template")?;
    let mut candidates = vec![player.object(node)?];
    if !player.bound.iter().any(|(known, _)| *known == index) {
        candidates.extend(player.found.iter().copied());
    }
    let mut first = None;
    for object in candidates {
        match compare(player, object, expected) {
            Ok(rv) => {
                player.bound.push((index, object));
                return Ok(rv);
            }
            Err(failure) => _ = first.get_or_insert(failure),
        }
    }
    first.map_or(Ok(Rv(CKR_OK)), Err)
}

/// Reads the attributes that the response lists and compares those that it fixes.
fn compare(player: &Player, object: Object, expected: Node<'_, '_>) -> Check<Rv> {
    let session = player.session()?;
    for node in expected.children().filter(Node::is_element) {
        let kind = attribute_type(node)?;
        let value = match session.get(object, kind) {
            Ok(value) => value,
            Err(rv) => return if rv == CKR_ATTRIBUTE_TYPE_INVALID { missing(kind) } else { Ok(rv) },
        };
        let text = node.attribute("value");
        let length = node.attribute("length").and_then(number).map(crate::size);
        if kind == CKA_LABEL {
            let fits = text.is_none_or(|text| value.strip_suffix(b"\0").unwrap_or(&value) == text.as_bytes());
            ensure!(fits, "CKA_LABEL is {:?}", String::from_utf8_lossy(&value));
        }
        let certificate = session.get_ulong(object, CKA_CLASS).is_ok_and(|class| class == CKO_CERTIFICATE);
        if kind == CKA_VALUE {
            ensure!(certificate, "the object is not a certificate");
            ensure!(text.is_none_or(|text| unhex(text).as_ref() == Some(&value)), "the certificate differs");
        }
        if kind == CKA_LABEL || kind == CKA_VALUE {
            let name = names::name(names::CKA, kind);
            ensure!(length.is_none_or(|length| length == value.len()), "{name} has {} bytes", value.len());
        }
        ensure!(!value.is_empty(), "{} is empty", names::name(names::CKA, kind));
    }
    Ok(Rv(CKR_OK))
}

fn missing(kind: CK_ATTRIBUTE_TYPE) -> Check<Rv> {
    crate::fail!("the object has no {}", names::name(names::CKA, kind))
}

fn sign_init(player: &mut Player, request: Node<'_, '_>, _: Node<'_, '_>) -> Check<Rv> {
    let kind = constant(names::CKM, "CKM_", value(child(child(request, "Mechanism")?, "Type")?)?)?;
    let key = player.object(child(request, "Key")?)?;
    player.signing = Some((kind, key));
    Ok(Rv::of(&player.session()?.sign_init(&Mech::new(kind), key)))
}

fn sign(player: &mut Player, request: Node<'_, '_>, _: Node<'_, '_>) -> Check<Rv> {
    let data = unhex(value(child(request, "Data")?)?).unwrap_or_default();
    let length = child(request, "Signature")?.attribute("length").and_then(number).map(crate::size);
    let session = player.session()?;
    let signature = session.sign_once(&data);
    if let (Ok(signature), Some((kind, key))) = (&signature, player.signing) {
        ensure!(length == Some(signature.len()), "the signature has {} bytes", signature.len());
        let modulus = crate::Attr::bytes(CKA_MODULUS, &session.get(key, CKA_MODULUS)?);
        let publics = session.find(&[crate::Attr::class(CKO_PUBLIC_KEY), modulus])?;
        let [public, ..] = publics[..] else { crate::fail!("the public key of the pair is not found") };
        session.verify(&Mech::new(kind), public, &data, signature)?;
    }
    Ok(Rv::of(&signature))
}
