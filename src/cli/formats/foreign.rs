//! Files that are known and not taken, and what makes them into files that are.

/// How such a file begins, and what to say of it.
const FOREIGN: &[(&[u8], &str)] = &[
    (
        b"\xfe\xed\xfe\xed",
        "a Java key store (JKS): `keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12` converts it",
    ),
    (b"\xce\xce\xce\xce", "a Java key store (JCEKS): `keytool -importkeystore` converts it to PKCS#12"),
    (b"PuTTY-User-Key-File", "a PuTTY key: `puttygen FILE -O private-openssh -o NEW` converts it"),
    (b"---- BEGIN SSH2", "an SSH2 public key: `ssh-keygen -i -f FILE` converts it"),
    (b"SQLite format 3\0", "a SQLite database, perhaps a token itself: tokens are copied as files"),
    (b"\xff\xfe", "UTF-16 text: save it as ASCII or UTF-8"),
];

/// Why this file is not taken, if it is one of those.
pub(super) fn why(content: &[u8]) -> Option<&'static str> {
    FOREIGN.iter().find(|(head, _)| content.starts_with(head)).map(|(_, why)| *why)
}
