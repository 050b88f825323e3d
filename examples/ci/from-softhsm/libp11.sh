#!/bin/sh
# libp11 (OpenSC/libp11): what its tests did with SoftHSM 2 (tests/common.sh, the *-uri-without-token tests), on keyward.
#
# Changed: the two lines marked "was". Written anew and shortened; libp11's test programs need its build tree, so its
# engine, which they load, is driven by openssl here. The key is made on the spot instead of shipped.
set -eu
MODULE=$(pkg-config --variable=p11_module keyward)      # was /usr/lib/softhsm/libsofthsm2.so
SOFTHSM_TOOL=$(pkg-config --variable=softhsm2_util keyward) # was /usr/bin/softhsm2-util
PIN=1234
PUK=1234

# A token, configured and made in SoftHSM's way.
mkdir tokens
printf 'objectstore.backend = file\ndirectories.tokendir = %s/tokens\n' "$PWD" >softhsm2.conf
export SOFTHSM2_CONF=$PWD/softhsm2.conf
"$SOFTHSM_TOOL" --init-token --slot 0 --label libp11-test --so-pin "$PUK" --pin "$PIN"

# A key, its public key and its certificate are written into it under one ID.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=libp11 -days 2 -outform DER -out cert.der
openssl pkey -in key.pem -outform DER -out key.der
openssl pkey -in key.pem -pubout -outform DER -out pubkey.der
for type in privkey:key pubkey:pubkey cert:cert; do
  pkcs11-tool --module "$MODULE" --login --pin "$PIN" --id 00010203 --label server-key \
    --type "${type%:*}" --write-object "${type#*:}.der"
done
pkcs11-tool --module "$MODULE" --login --pin "$PIN" --list-objects

# URIs that name no token find the only one.
cat >engines.cnf <<END
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = $(pkg-config --variable=enginesdir libcrypto 2>/dev/null || ls -d /usr/lib/*/engines-3)/pkcs11.so
MODULE_PATH = $MODULE
init = 0
END
export OPENSSL_CONF=$PWD/engines.cnf
echo secret >in.txt
openssl pkeyutl -engine pkcs11 -keyform engine -sign -in in.txt -out signature.bin \
  -inkey "pkcs11:object=server-key;type=private;pin-value=$PIN"
openssl pkeyutl -engine pkcs11 -keyform engine -pubin -verify -in in.txt -sigfile signature.bin \
  -inkey "pkcs11:object=server-key;type=public;pin-value=$PIN"
