# What pkcs11-tool, OpenSSL and Java do with keys in a TPM 2.0 (swtpm, through tpm2-pkcs11). tests/consumers/passthrough
# runs it twice: on the library, and on keyward with a passthrough slot over it.
# shellcheck source=tests/consumers/lib.sh
. "$(dirname "$0")/lib.sh"
begin tpm
need pkcs11-tool opensc
need openssl openssl
need keytool openjdk-17-jdk-headless
cd "$WORK" || exit 1
engine_conf openssl.cnf
export OPENSSL_CONF=$WORK/openssl.cnf
new_token
head -c 300 /dev/urandom >message
openssl dgst -sha256 -binary -out digest message

# judge CHECK...: a check on a TPM that holds no session of a program before.
judge() {
  flush_tpm
  "$@"
}

# --- pkcs11-tool

shows "list slots" "token label *: $TOKEN" pkcs11-tool --module "$MODULE" -L
shows "list mechanisms" 'RSA-PKCS' p11_public -M
shows "random" '.' p11_public --generate-random 64
for key in rsa:rsa:2048:01 p256:EC:prime256v1:02 p384:EC:secp384r1:03; do
  IFS=: read -r label type size id <<<"$key"
  check "generate $label" p11 --keypairgen --key-type "$type:$size" --label "$label" --id "$id"
  shows "list $label" "label: *$label" p11 -O --type privkey
  check "public key of $label" p11_public --read-object --type pubkey --id "$id" -o "$label.der" &&
    openssl pkey -pubin -inform DER -in "$label.der" -out "$label.pem"
done
p11_signs() { p11 --sign --id "$1" --mechanism "$2" -i "$3" -o sig "${@:4}"; }
check "RSA-PKCS with SHA-256" p11_signs 01 SHA256-RSA-PKCS message &&
  check "OpenSSL verifies it" openssl dgst -sha256 -verify rsa.pem -signature sig message
check "the token verifies" p11 --verify --id 01 --mechanism SHA256-RSA-PKCS -i message --signature-file sig
check "RSA-PSS" p11_signs 01 SHA256-RSA-PKCS-PSS message &&
  check "OpenSSL verifies RSA-PSS" openssl dgst -sha256 -verify rsa.pem -sigopt rsa_padding_mode:pss -signature sig message
check "ECDSA" p11_signs 02 ECDSA digest --signature-format openssl &&
  check "OpenSSL verifies ECDSA" openssl dgst -sha256 -verify p256.pem -signature sig message
check "OpenSSL encrypts" openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in digest -out sealed &&
  check "the token decrypts" p11 --decrypt --id 01 --mechanism RSA-PKCS -i sealed -o opened &&
  check "the same bytes" cmp digest opened
check "write a certificate" sh -c "openssl req -x509 -newkey rsa:2048 -nodes -keyout file.key -subj /CN=file -days 2 -out file.pem &&
  openssl x509 -in file.pem -outform DER -out file.der" &&
  check "into the token" p11 --write-object file.der --type cert --label file --id 0f
refuse "a wrong PIN is refused" pkcs11-tool --module "$MODULE" --token-label "$TOKEN" --login --pin 00000000 -O
check "change PIN" p11 --change-pin --new-pin 8888888 &&
  check "change PIN back" pkcs11-tool --module "$MODULE" --token-label "$TOKEN" --login --pin 8888888 --change-pin --new-pin "$PIN"
check "pkcs11-tool --test" p11 --test

# --- OpenSSL

printf 'subjectAltName=DNS:localhost\n' >san
# An authority in a file certifies the token's public keys.
for key in rsa p256; do
  OPENSSL_CONF=/dev/null openssl x509 -new -force_pubkey $key.pem -subj "/CN=$key" -CA file.pem -CAkey file.key -days 2 -extfile san -out $key-leaf.pem
done
for key in rsa p256; do
  judge check "OpenSSL: certificate request by $key" openssl req -new -engine pkcs11 -keyform engine -key "$(uri $key)" -subj "/CN=$key" -sha256 -out $key.csr &&
    shows "OpenSSL: the request by $key verifies" 'verify OK' openssl req -in $key.csr -verify -noout
  judge check "OpenSSL: authority $key" openssl req -new -x509 -engine pkcs11 -keyform engine -key "$(uri $key)" -subj "/CN=$key CA" \
    -sha256 -days 2 -addext basicConstraints=critical,CA:TRUE -out $key-ca.pem
done
judge check "OpenSSL: the authority issues" openssl x509 -req -in p256.csr -CA rsa-ca.pem -CAkeyform engine -engine pkcs11 \
  -CAkey "$(uri rsa)" -CAcreateserial -days 2 -sha256 -extfile san -out issued.pem &&
  check "OpenSSL: what it issued verifies" openssl verify -CAfile rsa-ca.pem issued.pem
handshake() { # NAME KEY CERTIFICATE CA PROTOCOL
  if judge check "OpenSSL: $1: the server starts" tls_server "server-$2$5" "$5" -cert "$3" -engine pkcs11 -keyform engine -key "$(uri "$2")"; then
    for round in 1 2; do shows "OpenSSL: $1: handshake $round" 'Verification: OK' tls_client "$4" "$5"; done
  fi
  stop_servers
}
handshake "TLS 1.3, P-256 key" p256 p256-leaf.pem file.pem -tls1_3
handshake "TLS 1.2, P-256 key" p256 p256-leaf.pem file.pem -tls1_2
handshake "TLS 1.2, RSA key" rsa rsa-leaf.pem file.pem -tls1_2
handshake "TLS 1.3, RSA key" rsa rsa-leaf.pem file.pem -tls1_3

# --- Java, with the keys made above and their certificates in the token

for key in rsa:01 p256:02; do
  openssl x509 -in "${key%:*}-leaf.pem" -outform DER -out leaf.der
  judge check "the certificate of ${key%:*}" p11 --write-object leaf.der --type cert --label "${key%:*}" --id "${key#*:}"
done
slot=$(token_slot)
printf 'name = tested\nlibrary = %s\nslot = %d\n' "$MODULE" "$((slot))" >pkcs11.cfg
store() {
  keytool "$1" -providerClass sun.security.pkcs11.SunPKCS11 -providerArg pkcs11.cfg -keystore NONE -storetype PKCS11 \
    -storepass:file pin "${@:2}"
}
judge shows "keytool: list the RSA entry" 'rsa, *PrivateKeyEntry' store -list
judge shows "keytool: list the EC entry" 'p256, *PrivateKeyEntry' store -list
judge check "keytool: certificate request with the EC key" store -certreq -alias p256 -file java.csr &&
  shows "OpenSSL verifies Java's request" 'verify OK' openssl req -in java.csr -verify -noout
judge check "keytool: certificate request with the RSA key" store -certreq -alias rsa -file java.csr &&
  shows "OpenSSL verifies Java's RSA request" 'verify OK' openssl req -in java.csr -verify -noout
signer() { jarsigner -providerClass sun.security.pkcs11.SunPKCS11 -providerArg pkcs11.cfg -keystore NONE -storetype PKCS11 -storepass:file pin "$@"; }
mkdir classes && cp "$ROOT/examples/java/Tls.java" classes/ && jar --create --file plain.jar -C classes .
for alias in rsa p256; do
  judge check "jarsigner: sign with $alias" signer -signedjar $alias.jar plain.jar $alias &&
    shows "jarsigner: verify $alias without the token" '^jar verified' jarsigner -verify $alias.jar
done
openssl req -x509 -newkey rsa:2048 -nodes -keyout client.key -subj /CN=client -days 2 -out client.pem 2>/dev/null
export CONSUMER_PIN=$PIN
flush_tpm
start java java "$ROOT/examples/java/Tls.java" pkcs11.cfg server p256 client.pem
if check "Java: TLS 1.3 server on the EC key" wait_for 60 grep -q '^port ' java.out; then
  PORT=$(sed -n 's/^port //p' java.out)
  shows "Java: OpenSSL's client verifies it" 'Verification: OK' tls_client file.pem -tls1_3 -cert client.pem -key client.key
fi
stop_servers
judge check "delete a key" p11 --delete-object --type privkey --id 03
finish
