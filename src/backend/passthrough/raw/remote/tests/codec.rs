use super::super::calls::{CALLS, Part, find};
use super::super::marshal::{Outcome, answer, request};
use super::super::wire::{HEADER, Reader, Stop, Writer};
use super::super::{Argument, FIRST_GRANT};
use super::{NULL, array, asked, attribute, constant, mechanism, mechanism_with, number, pointer};
use crate::types::{ck, length};

fn types(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Start => ("ayyay", ""),
        Part::Number | Part::EventFlags => ("u", ""),
        Part::Byte => ("y", ""),
        Part::Bytes | Part::Parameter => ("ay", ""),
        Part::Template => ("aA", ""),
        Part::Query => ("fA", "aAu"),
        Part::Mechanism => ("M", ""),
        Part::LabelString => ("z", ""),
        Part::LabelField => ("s", ""),
        Part::Ignored => ("", ""),
        Part::Result => ("", "u"),
        Part::Output | Part::Random => ("fy", "ay"),
        Part::LastOutput => ("yfy", "ay"),
        Part::List | Part::MechanismList | Part::Found => ("fu", "au"),
        Part::Info => ("", "vsusv"),
        Part::SlotInfo => ("", "ssuvv"),
        Part::TokenInfo => ("", "ssssuuuuuuuuuuuvvs"),
        Part::MechanismInfo => ("", "uuu"),
        Part::SessionInfo => ("", "uuuu"),
    }
}

#[test]
fn rows_are_numbered_in_order_and_their_types_are_those_of_their_parts() {
    for (index, call) in CALLS.iter().enumerate() {
        assert_eq!(call.id as usize, index + 1, "{}", call.name);
        let (request, response): (Vec<_>, Vec<_>) = call.parts.iter().map(|part| types(*part)).unzip();
        assert_eq!(request.concat(), call.request, "{}", call.name);
        assert_eq!(response.concat(), call.response, "{}", call.name);
    }
    assert_eq!(CALLS.iter().filter(|call| call.since == 0).count(), 65);
}

#[test]
fn a_version_has_its_calls_only() {
    assert!(find("C_Sign", 0).is_some());
    assert!(find("C_LoginUser", 0).is_none());
    assert!(find("C_LoginUser", 1).is_some());
    assert!(find("C_EncapsulateKey", 1).is_none());
    assert_eq!(find("C_InitToken", 0).unwrap().id, 9);
    assert_eq!(find("C_InitToken", 1).unwrap().id, 88);
}

#[test]
fn values_are_big_endian_and_come_back() {
    let mut message = Writer::default();
    message.byte(7).unwrap();
    message.word(0x0102_0304).unwrap();
    message.number(0x0506).unwrap();
    message.array(Some(b"ab")).unwrap();
    message.array(None).unwrap();
    assert_eq!(message.bytes(), b"\x07\x01\x02\x03\x04\0\0\0\0\0\0\x05\x06\0\0\0\x02ab\xff\xff\xff\xff");
    let mut reader = Reader::new(message.bytes());
    assert_eq!(reader.byte(), Ok(7));
    assert_eq!(reader.word(), Ok(0x0102_0304));
    assert_eq!(reader.number(), Ok(0x0506));
    assert_eq!(reader.array(), Ok(Some(&b"ab"[..])));
    assert_eq!(reader.array(), Ok(None));
    assert!(matches!(reader.byte(), Err(Stop::Broken(_))));
}

#[test]
fn a_length_is_not_believed_beyond_the_bytes_that_are_there() {
    assert!(matches!(Reader::new(b"\0\0\0\x05abcd").array(), Err(Stop::Broken(_))));
    assert!(matches!(Reader::new(b"\x7f\xff\xff\xff").array(), Err(Stop::Broken(_))));
    assert!(matches!(Reader::new(b"\xff\xff\xff\xff").count(), Err(Stop::Broken(_))));
}

fn sent(name: &str, version: u8, arguments: &[Argument]) -> Result<Vec<u8>, Stop> {
    let call = find(name, version).unwrap();
    // SAFETY: the arguments of these tests are valid for their functions.
    let mut request = unsafe { request(call, arguments, version, FIRST_GRANT) }?;
    request.message.frame(5)?;
    let bytes = request.message.bytes();
    let mut header = Reader::new(&bytes[..HEADER]);
    assert_eq!((header.word(), header.word()), (Ok(5), Ok(0)));
    assert_eq!(header.count().unwrap(), bytes.len() - HEADER);
    let mut body = Reader::new(&bytes[HEADER..]);
    assert_eq!(body.word(), Ok(call.id));
    assert_eq!(body.array(), Ok(Some(call.request.as_bytes())));
    let left = body.remaining();
    Ok(body.raw(left).unwrap().to_vec())
}

fn received(name: &str, version: u8, arguments: &[Argument], body: &[u8]) -> Result<Outcome, Stop> {
    let call = find(name, version).unwrap();
    let mut message = Writer::default();
    message.word(call.id).unwrap();
    message.array(Some(call.response.as_bytes())).unwrap();
    message.raw(body).unwrap();
    // SAFETY: the arguments of these tests are valid for their functions.
    unsafe { answer(call, arguments, version, FIRST_GRANT, message.bytes()) }
}

#[test]
fn login_sends_the_pin_and_refuses_a_null_pin_with_a_length() {
    let body = sent("C_Login", 0, &[number(1), number(1), constant(b"12"), number(2)]).unwrap();
    assert_eq!(body, b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x01\0\0\0\x0212");
    let body = sent("C_Login", 0, &[number(1), number(1), NULL, number(0)]).unwrap();
    assert!(body.ends_with(b"\x01\xff\xff\xff\xff"));
    let bad = sent("C_Login", 0, &[number(1), number(1), NULL, number(2)]);
    assert_eq!(bad, Err(Stop::Answer(ck::CKR_ARGUMENTS_BAD)));
    assert_eq!(sent("C_Login", 0, &[number(1)]), Err(Stop::Answer(ck::CKR_ARGUMENTS_BAD)));
}

fn mechanism_sent(version: u8, mechanism: &mut ck::CK_MECHANISM) -> Result<Vec<u8>, Stop> {
    let body = sent("C_DigestInit", version, &[number(0), pointer(mechanism)])?;
    Ok(body[8..].to_vec())
}

#[test]
fn mechanisms_travel_by_the_shape_of_their_parameter() {
    let none = mechanism_sent(0, &mut mechanism(ck::CKM_SHA256)).unwrap();
    assert_eq!(none, b"\0\0\x02\x50\xff\xff\xff\xff");

    let mut pss = ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: 1, mgf: 2, sLen: 3 };
    let numbers = b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";
    let sent_pss = mechanism_sent(0, &mut mechanism_with(ck::CKM_RSA_PKCS_PSS, &mut pss)).unwrap();
    assert_eq!(&sent_pss[4..], numbers);
    let combined = mechanism_sent(1, &mut mechanism_with(ck::CKM_SHA256_RSA_PKCS_PSS, &mut pss)).unwrap();
    assert_eq!(&combined[4..], numbers);
    // The older server takes these as bytes.
    let bytes = mechanism_sent(0, &mut mechanism_with(ck::CKM_SHA256_RSA_PKCS_PSS, &mut pss)).unwrap();
    assert_eq!(bytes.len(), 8 + size_of_val(&pss));

    let mut iv = [9u8; 16];
    let cbc = mechanism_sent(1, &mut mechanism_with(ck::CKM_AES_CBC, &mut iv)).unwrap();
    assert_eq!(&cbc[4..8], b"\0\0\0\x10");
    let mut short = [9u8; 15];
    let refused = Err(Stop::Answer(ck::CKR_MECHANISM_PARAM_INVALID));
    assert_eq!(mechanism_sent(1, &mut mechanism_with(ck::CKM_AES_CBC, &mut short)), refused);
    assert_eq!(mechanism_sent(1, &mut mechanism(ck::CKM_AES_CBC)), refused);
}

#[test]
fn pointers_cross_only_where_the_server_takes_the_structure_apart() {
    let refused = Err(Stop::Answer(ck::CKR_MECHANISM_PARAM_INVALID));
    let (mut iv, mut aad) = ([1u8; 12], [2u8; 3]);
    let mut gcm = ck::CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 3,
        ulTagBits: 128,
    };
    assert_eq!(mechanism_sent(0, &mut mechanism_with(ck::CKM_AES_GCM, &mut gcm)), refused);
    let body = mechanism_sent(1, &mut mechanism_with(ck::CKM_AES_GCM, &mut gcm)).unwrap();
    let mut reader = Reader::new(&body[4..]);
    assert_eq!(reader.array(), Ok(Some(&iv[..])));
    assert_eq!(reader.number(), Ok(96));
    assert_eq!(reader.array(), Ok(Some(&aad[..])));
    assert_eq!(reader.number(), Ok(128));

    let mut unknown = [0u64; 4];
    let vendor = ck::CKM_VENDOR_DEFINED | 0x77;
    assert_eq!(mechanism_sent(1, &mut mechanism_with(vendor, &mut unknown)), refused);
    assert!(mechanism_sent(1, &mut mechanism(vendor)).is_ok());

    let mut context = [3u8; 4];
    let mut eddsa =
        ck::CK_EDDSA_PARAMS { phFlag: 0, ulContextDataLen: 0, pContextData: std::ptr::null_mut() };
    assert!(mechanism_sent(0, &mut mechanism_with(ck::CKM_EDDSA, &mut eddsa)).is_ok());
    (eddsa.pContextData, eddsa.ulContextDataLen) = (context.as_mut_ptr(), 4);
    assert_eq!(mechanism_sent(0, &mut mechanism_with(ck::CKM_EDDSA, &mut eddsa)), refused);
}

#[test]
fn a_null_mechanism_cancels_where_the_server_knows_it() {
    assert_eq!(sent("C_DigestInit", 0, &[number(0), NULL]), Err(Stop::Answer(ck::CKR_ARGUMENTS_BAD)));
    assert!(sent("C_DigestInit", 1, &[number(0), NULL]).unwrap().ends_with(&[0xff; 4]));
}

#[test]
fn templates_carry_values_by_their_type() {
    let (mut yes, mut class, mut label, mut date) = ([1u8], [ck::CKO_DATA], *b"ab", *b"20260131");
    let mut template = [
        attribute(ck::CKA_TOKEN, &mut yes),
        attribute(ck::CKA_CLASS, &mut class),
        attribute(ck::CKA_LABEL, &mut label),
        attribute(ck::CKA_START_DATE, &mut date),
    ];
    let body = sent("C_FindObjectsInit", 0, &[number(0), array(&mut template), number(4)]).unwrap();
    let expected: &[u8] = b"\0\0\0\x04\
        \0\0\0\x01\x01\0\0\0\x01\x01\
        \0\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\0\
        \0\0\0\x03\x01\0\0\0\x02\0\0\0\x02ab\
        \0\0\x01\x10\x01\0\0\0\x08\0\0\0\x0820260131";
    assert_eq!(&body[8..], expected);

    let mut half = [1u32];
    let mut template = [attribute(ck::CKA_CLASS, &mut half)];
    let bad = sent("C_FindObjectsInit", 0, &[number(0), array(&mut template), number(1)]);
    assert_eq!(bad, Err(Stop::Answer(ck::CKR_ATTRIBUTE_VALUE_INVALID)));

    let mut inner = [attribute(ck::CKA_TOKEN, &mut yes)];
    let mut template = [attribute(ck::CKA_WRAP_TEMPLATE, &mut inner)];
    let arguments = [number(0), array(&mut template), number(1)];
    let bad = sent("C_FindObjectsInit", 0, &arguments);
    assert_eq!(bad, Err(Stop::Answer(ck::CKR_ATTRIBUTE_TYPE_INVALID)));
    let body = sent("C_FindObjectsInit", 1, &arguments).unwrap();
    assert!(body.ends_with(b"\x40\0\x02\x11\x01\0\0\0\x18\0\0\0\x01\0\0\0\x01\x01\0\0\0\x01\x01"));
}

/// An attribute's type, length and value on the wire.
type Queried<'a> = (u32, Option<(u32, &'a [u8])>);

/// An answer to a query.
fn queried(attributes: &[Queried<'_>], value: u8) -> Vec<u8> {
    let mut message = Writer::default();
    message.count(attributes.len()).unwrap();
    for (kind, content) in attributes {
        message.word(*kind).unwrap();
        message.byte(u8::from(content.is_some())).unwrap();
        if let Some((size, bytes)) = content {
            message.word(*size).unwrap();
            message.raw(bytes).unwrap();
        }
    }
    message.number(value.into()).unwrap();
    message.bytes().to_vec()
}

#[test]
fn queries_are_filled_within_their_room() {
    let mut class = [0 as ck::CK_ULONG];
    let mut short = [0u8; 1];
    let mut template = [
        attribute(ck::CKA_CLASS, &mut class),
        asked(ck::CKA_LABEL),
        attribute(ck::CKA_ID, &mut short),
        asked(ck::CKA_VALUE),
    ];
    let arguments = [number(0), number(0), array(&mut template), number(4)];
    let body = queried(
        &[
            (0, Some((8, b"\0\0\0\0\0\0\0\x03"))),
            (3, Some((5, b"\xff\xff\xff\xff"))),
            (0x102, Some((2, b"\0\0\0\x02xy"))),
            (0x11, None),
        ],
        0,
    );
    let done = received("C_GetAttributeValue", 0, &arguments, &body);
    assert_eq!(done, Ok(Outcome::Done(ck::CKR_BUFFER_TOO_SMALL)));
    assert_eq!(class, [3]);
    assert_eq!(short, [0]);
    let lengths = template.map(|attribute| attribute.ulValueLen);
    assert_eq!(lengths, [8, 5, 2, ck::CK_UNAVAILABLE_INFORMATION]);
}

#[test]
fn a_hostile_answer_to_a_query_is_refused() {
    let mut id = [0u8; 4];
    let mut template = [attribute(ck::CKA_ID, &mut id)];
    let arguments = [number(0), number(0), array(&mut template), number(1)];
    let broken = [
        queried(&[], 0),
        queried(&[(0x103, Some((1, b"\0\0\0\x01x")))], 0),
        queried(&[(0x102, Some((4, b"\0\0\0\x01x")))], 0),
        queried(&[(0x102, Some((4, b"\xff\xff\xff\xff")))], 0),
        queried(&[(0x102, Some((1, b"\0\0\0\x01x"))), (0x102, None)], 0),
        b"\0\0\0\x01\0\0\x01\x02\x01\0\0\0\x04\x7f\xff\xff\xf0ab".to_vec(),
    ];
    for body in broken {
        let done = received("C_GetAttributeValue", 0, &arguments, &body);
        assert!(matches!(done, Err(Stop::Broken(_))), "{body:?} gave {done:?}");
    }
}

#[test]
fn what_cannot_cross_is_marked_unavailable_and_not_asked_for() {
    let mut id = [0u8; 4];
    let mut template = [asked(ck::CKA_WRAP_TEMPLATE), attribute(ck::CKA_ID, &mut id)];
    let arguments = [number(0), number(0), array(&mut template), number(2)];
    let body = sent("C_GetAttributeValue", 0, &arguments).unwrap();
    assert_eq!(&body[16..], b"\0\0\0\x01\0\0\x01\x02\0\0\0\x04");
    let answer = queried(&[(0x102, Some((2, b"\0\0\0\x02xy")))], 0);
    let done = received("C_GetAttributeValue", 0, &arguments, &answer);
    assert_eq!(done, Ok(Outcome::Done(ck::CKR_ATTRIBUTE_TYPE_INVALID)));
    assert_eq!(template[0].ulValueLen, ck::CK_UNAVAILABLE_INFORMATION);
    assert_eq!((template[1].ulValueLen, &id), (2, b"xy\0\0"));
}

#[test]
fn a_template_as_a_value_is_filled() {
    let mut label = [0u8; 4];
    let mut inner = [attribute(0xdead_0000_0000, &mut label)];
    let mut template = [attribute(ck::CKA_WRAP_TEMPLATE, &mut inner)];
    let arguments = [number(0), number(0), array(&mut template), number(1)];
    let body = sent("C_GetAttributeValue", 1, &arguments).unwrap();
    assert_eq!(&body[16..], b"\0\0\0\x01\x40\0\x02\x11\0\0\0\x18\0\0\0\x01\0\0\0\0\0\0\0\x04");
    let size = u32::try_from(size_of::<ck::CK_ATTRIBUTE>()).unwrap();
    let value = b"\0\0\0\x01\0\0\0\x03\x01\0\0\0\x02\0\0\0\x02ab";
    let answer = queried(&[(0x4000_0211, Some((size, value)))], 0);
    let done = received("C_GetAttributeValue", 1, &arguments, &answer);
    assert_eq!(done, Ok(Outcome::Done(ck::CKR_OK)));
    assert_eq!((inner[0].type_, inner[0].ulValueLen, &label), (ck::CKA_LABEL, 2, b"ab\0\0"));

    let answer = queried(&[(0x4000_0211, Some((2 * size, &[0, 0, 0, 2])))], 0);
    assert!(matches!(received("C_GetAttributeValue", 1, &arguments, &answer), Err(Stop::Broken(_))));
}

#[test]
fn output_tells_sizes_too_small_and_bytes() {
    let mut buffer = [0u8; 4];
    let finish = |buffer: Argument, mut size: ck::CK_ULONG, body: &[u8]| {
        let done = received("C_SignFinal", 0, &[number(0), buffer, pointer(&mut size)], body);
        (done.unwrap(), size)
    };
    let filled = finish(array(&mut buffer), 4, b"\x01\0\0\0\x02ab");
    assert_eq!((filled, &buffer), ((Outcome::Done(ck::CKR_OK), 2), b"ab\0\0"));
    let short = finish(array(&mut buffer), 4, b"\0\0\0\0\x09");
    assert_eq!(short, (Outcome::Done(ck::CKR_BUFFER_TOO_SMALL), 9));
    let short = finish(array(&mut buffer), 4, b"\x01\0\0\0\x05abcde");
    assert_eq!(short, (Outcome::Done(ck::CKR_BUFFER_TOO_SMALL), 5));
    let granted_less = finish(array(&mut buffer), 1 << 30, b"\0\0\x10\0\0");
    assert_eq!(granted_less, (Outcome::Again(0x10_0000), 1 << 30));
    assert_eq!(buffer, *b"ab\0\0");
    assert_eq!(finish(NULL, 0, b"\0\0\0\0\x40"), (Outcome::Done(ck::CKR_OK), 64));
}

#[test]
fn room_without_bytes_is_told_from_a_question_about_the_size() {
    let mut buffer = [0u8; 1];
    for (version, room) in [(0, &[0, 0, 0, 1]), (1, &[0xff; 4])] {
        let mut size: ck::CK_ULONG = 0;
        let there = sent("C_SignFinal", version, &[number(0), array(&mut buffer), pointer(&mut size)]);
        assert!(there.unwrap().ends_with(room));
        let absent = sent("C_SignFinal", version, &[number(0), NULL, pointer(&mut size)]);
        assert!(absent.unwrap().ends_with(&[0; 4]));
    }
}

#[test]
fn more_handles_than_asked_for_break_the_protocol() {
    let (mut found, mut count): ([ck::CK_ULONG; 1], ck::CK_ULONG) = ([0], 0);
    let arguments = [number(0), array(&mut found), number(1), pointer(&mut count)];
    let one = b"\x01\0\0\0\x01\0\0\0\0\0\0\0\x07";
    let done = received("C_FindObjects", 0, &arguments, one);
    assert_eq!((done, found, count), (Ok(Outcome::Done(ck::CKR_OK)), [7], 1));
    let two = b"\x01\0\0\0\x02\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x08";
    assert!(matches!(received("C_FindObjects", 0, &arguments, two), Err(Stop::Broken(_))));
    let lie = b"\x01\x7f\xff\xff\xf0\0\0\0\0\0\0\0\x07";
    assert!(matches!(received("C_FindObjects", 0, &arguments, lie), Err(Stop::Broken(_))));
}

#[test]
fn an_error_is_its_return_value_and_never_success() {
    let call = find("C_Logout", 0).unwrap();
    let read = |body: &[u8]| {
        // SAFETY: C_Logout takes a number.
        unsafe { answer(call, &[number(0)], 0, 0, body) }
    };
    let error = b"\0\0\0\0\0\0\0\x01u\0\0\0\0\x80\0\0\x01";
    assert_eq!(read(error), Ok(Outcome::Done(ck::CKR_VENDOR_DEFINED | 1)));
    assert!(matches!(read(b"\0\0\0\0\0\0\0\x01u\0\0\0\0\0\0\0\0"), Err(Stop::Broken(_))));
    assert!(matches!(read(b"\0\0\0\x12\0\0\0\0"), Err(Stop::Broken(_))));
    assert!(matches!(read(b"\0\0"), Err(Stop::Broken(_))));
}

#[test]
fn mechanisms_that_cannot_be_used_are_not_listed() {
    let mut answer = Writer::default();
    answer.byte(1).unwrap();
    answer.count(3).unwrap();
    for mechanism in [ck::CKM_AES_GCM, ck::CKM_SHA256, ck::CKM_PKCS5_PBKD2] {
        answer.number(mechanism).unwrap();
    }
    for (version, kept) in [(0, &[ck::CKM_SHA256][..]), (1, &[ck::CKM_AES_GCM, ck::CKM_SHA256][..])] {
        let (mut list, mut count): ([ck::CK_ULONG; 4], ck::CK_ULONG) = ([0; 4], 4);
        let arguments = [number(0), array(&mut list), pointer(&mut count)];
        received("C_GetMechanismList", version, &arguments, answer.bytes()).unwrap();
        assert_eq!(&list[..length(count)], kept);
    }
}

#[test]
fn waiting_for_an_event_stays_on_this_side() {
    let mut slot: ck::CK_ULONG = 0;
    let wait = sent("C_WaitForSlotEvent", 0, &[number(0), pointer(&mut slot), NULL]);
    assert_eq!(wait, Err(Stop::Answer(ck::CKR_FUNCTION_NOT_SUPPORTED)));
    assert!(sent("C_WaitForSlotEvent", 0, &[number(ck::CKF_DONT_BLOCK), pointer(&mut slot), NULL]).is_ok());
}
