#!/bin/sh
# BIND 9 (isc-projects/bind9): the token that its system tests use (bin/tests/prepare-softhsm2.sh) and the keys that its
# tests of PKCS#11 put into it, on keyward.
#
# Changed: the two lines marked "was". Written anew; dnssec-keyfromlabel and named, which sign through libp11's engine,
# are replaced by openssl with the same engine.
set -eu
MODULE=$(pkg-config --variable=p11_module keyward)             # was $SOFTHSM2_MODULE
SOFTHSM2_UTIL=$(pkg-config --variable=softhsm2_util keyward) # was softhsm2-util

# The slot is read from the tool's answer, as SoftHSM words it.
export SOFTHSM2_CONF=$PWD/softhsm2.conf
mkdir -p tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = DEBUG\n' "$PWD" >"$SOFTHSM2_CONF"
slot=$("$SOFTHSM2_UTIL" --init-token --free --pin 1234 --so-pin 1234 --label softhsm2 |
  awk '/^The token has been initialized and is reassigned to slot/ { print $NF }')
"$SOFTHSM2_UTIL" --show-slots | grep -x "Slot $slot"

# A zone signing and a key signing key per algorithm, found by their labels.
cat >engine.cnf <<END
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = $(ls -d /usr/lib/*/engines-3)/pkcs11.so
MODULE_PATH = $MODULE
init = 0
END
export OPENSSL_CONF=$PWD/engine.cnf
echo 'example. 3600 IN DNSKEY' >rrset
for algorithm in rsasha256:rsa:2048:-sha256 ecdsap256sha256:EC:prime256v1:-sha256 ecdsap384sha384:EC:secp384r1:-sha384; do
  IFS=: read -r name type size hash <<END
$algorithm
END
  for role in zsk ksk; do
    label=$role-$name
    id=$(printf %s "$label" | openssl dgst -sha1 -r | cut -c 1-8)
    pkcs11-tool --module "$MODULE" --slot "$slot" --login --pin 1234 --keypairgen --key-type "$type:$size" \
      --label "$label" --id "$id"
    key="pkcs11:token=softhsm2;object=$label;pin-value=1234"
    openssl dgst -engine pkcs11 -keyform engine "$hash" -sign "$key;type=private" -out signature rrset
    openssl pkey -engine pkcs11 -inform engine -in "$key;type=private" -pubout -out public.pem
    openssl dgst "$hash" -verify public.pem -signature signature rrset
  done
done
"$SOFTHSM2_UTIL" --delete-token --token softhsm2
