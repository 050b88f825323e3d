//! A sealed row opens where, and as, it was sealed; nowhere else.

use super::*;

fn keys(header: &Header) -> [TokenKeys; 2] {
    [TokenKeys::public(header).unwrap(), TokenKeys::private(header, &token_key()).unwrap()]
}

fn sealed(keys: &TokenKeys, id: RowId, plain: &[u8]) -> Row {
    let row = keys.row(id, plain, vec![]).unwrap();
    Row { id, private: row.private, sealed: row.sealed }
}

fn is_unsealed(keys: &TokenKeys, row: &Row) -> bool {
    matches!(keys.open(row), Err(Error::Unsealed { .. }))
}

#[test]
fn rows_open_under_their_own_keys_only() {
    let [public, private] = keys(&header());
    for (own, other) in [(&public, &private), (&private, &public)] {
        let row = sealed(own, 5, b"an object");
        assert_eq!(&*own.open(&row).unwrap(), b"an object");
        assert!(is_unsealed(other, &row));
        assert!(is_unsealed(own, &Row { private: !row.private, ..row.clone() }));
        assert!(is_unsealed(other, &Row { private: !row.private, ..row }));
    }
}

#[test]
fn every_edit_is_noticed() {
    let [_, keys] = keys(&header());
    let row = sealed(&keys, 5, b"CKA_SENSITIVE");
    for bit in 0..row.sealed.len() * 8 {
        let mut edited = row.clone();
        edited.sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(is_unsealed(&keys, &edited), "bit {bit}");
    }
    for len in 0..row.sealed.len() {
        assert!(is_unsealed(&keys, &Row { sealed: row.sealed[..len].to_vec(), ..row.clone() }), "{len}");
    }
    assert!(is_unsealed(&keys, &Row { sealed: [&row.sealed[..], &[0]].concat(), ..row }));
}

#[test]
fn rows_cannot_be_swapped_or_moved() {
    let (here, elsewhere) = (header(), header());
    let [public, private] = keys(&here);
    let (one, two) = (sealed(&private, 1, b"one"), sealed(&private, 2, b"two"));
    assert!(is_unsealed(&private, &Row { id: 1, ..two }));
    assert!(is_unsealed(&private, &Row { id: 2, ..one.clone() }));
    // The same token key, another serial.
    assert!(is_unsealed(&TokenKeys::private(&elsewhere, &token_key()).unwrap(), &one));
    let mut forged = elsewhere.clone();
    forged.public_key = here.public_key;
    assert!(is_unsealed(&TokenKeys::public(&forged).unwrap(), &sealed(&public, 1, b"one")));
}

#[test]
fn tags_depend_on_key_type_and_value() {
    let [public, private] = keys(&header());
    assert_eq!(private.tag(1, b"x"), private.tag(1, b"x"));
    let tags = [private.tag(1, b"x"), private.tag(2, b"x"), private.tag(1, b"y"), public.tag(1, b"x")];
    for (n, tag) in tags.iter().enumerate() {
        assert!(!tags[..n].contains(tag));
    }
}

#[test]
fn sealing_is_never_the_same_twice_and_bounded() {
    let [_, keys] = keys(&header());
    assert_ne!(keys.seal(1, b"x").unwrap(), keys.seal(1, b"x").unwrap());
    assert!(matches!(keys.seal(1, &vec![0; MAX_SEALED]), Err(Error::TooLarge { .. })));
    assert!(keys.seal(1, &vec![0; MAX_SEALED - 64]).unwrap().len() <= MAX_SEALED);
}
