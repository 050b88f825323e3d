# Shared by the web servers' tests: keys and certificates in the token, and a client that keeps asking.
#
# The servers run as root with workers of the user nobody where the test is root, and as the caller else. Either way the
# workers open the token themselves: its directory is theirs.

# web_identities: an RSA and a P-256 key in the token, self-signed certificates rsa.pem and p256.pem for localhost.
web_identities() {
  need pkcs11-tool opensc
  need openssl openssl
  [ -e "$ENGINE" ] || {
    skip "$NAME" "libp11's engine is not installed (Debian package libengine-pkcs11-openssl)"
    finish
  }
  engine_conf "$WORK/openssl.cnf"
  export OPENSSL_CONF=$WORK/openssl.cnf
  new_token
  local key type
  for key in rsa:rsa:2048:01 p256:EC:prime256v1:02; do
    IFS=: read -r key type size id <<<"$key"
    check "generate $key" p11 --keypairgen --key-type "$type:$size" --label "$key" --id "$id" --usage-sign
    check "certificate for $key" openssl req -new -x509 -engine pkcs11 -keyform engine -key "$(uri "$key")" -subj /CN=localhost \
      -addext subjectAltName=DNS:localhost -sha256 -days 2 -out "$WORK/$key.pem"
  done
}

# for_workers: the token, the certificates and the module become readable to the workers. Sets WORKER, the user's name.
# Servers take the engine as OpenSSL's configuration leaves it: initialised.
for_workers() {
  WORKER=$(id -un)
  if [ "$(id -u)" = 0 ]; then
    WORKER=nobody
    MODULE=$(public_module)
    engine_conf "$WORK/openssl.cnf"
    chmod a+r "$WORK/openssl.cnf" "$WORK/pin"
    give_to_nobody "$WORK/tokens"
  fi
  sed -i 's/^init = 0/init = 1/' "$WORK/openssl.cnf"
}

# answers: one verified request to the server on PORT.
answers() {
  curl -sS --fail --cacert "$1" --connect-to "localhost:$PORT:127.0.0.1:$PORT" "https://localhost:$PORT/"
}

# many_requests CA SECONDS [THREADS]: passes when every request of so many seconds was answered; says how many.
many_requests() {
  python3 "$ROOT/tests/consumers/https_load.py" "$PORT" "$@"
}

# handshake SIGNATURE-ALGORITHM CA ARGUMENTS...: one verified handshake with the key that makes such signatures.
handshake() {
  openssl s_client -connect "127.0.0.1:$PORT" -sigalgs "$1" -CAfile "$2" -verify_return_error -servername localhost "${@:3}" </dev/null
}

# reload_under_load MASTER SIGNAL: three reloads in six seconds of requests, so that workers of every age answer some.
reload_under_load() {
  many_requests "$WORK/p256.pem" 6 &
  local load=$!
  for _ in 1 2 3; do
    sleep 1.2
    kill "-$2" "$1"
  done
  wait "$load"
}

# web_checks MASTER SIGNAL: what every web server must show. MASTER's process forks the workers, SIGNAL reloads it.
web_checks() {
  shows "a page comes over HTTPS" 'signed in the token' answers "$WORK/p256.pem"
  shows "TLS 1.3 with the P-256 key" 'Peer signature type: (ECDSA|ecdsa)' handshake ecdsa_secp256r1_sha256 "$WORK/p256.pem" -tls1_3
  shows "TLS 1.3 with the RSA key" 'Peer signature type: (RSA-PSS|rsa_pss)' handshake rsa_pss_rsae_sha256 "$WORK/rsa.pem" -tls1_3
  shows "TLS 1.2 with the P-256 key" 'Peer signature type: (ECDSA|ecdsa)' handshake ecdsa_secp256r1_sha256 "$WORK/p256.pem" -tls1_2
  shows "TLS 1.2 with the RSA key" 'Peer signature type: RSA' handshake rsa_pkcs1_sha256 "$WORK/rsa.pem" -tls1_2
  local before
  before=$(workers "$1")
  check "four workers run" test "$(wc -w <<<"$before")" = 4
  shows "four clients for three seconds: no failed request" ' 0 failed' many_requests "$WORK/p256.pem" 3
  shows "three reloads under load: no failed request" ' 0 failed' reload_under_load "$1" "$2"
  check "the old workers end" wait_for 10 none_left "$1" "$before"
  shows "the new ones answer" 'signed in the token' answers "$WORK/p256.pem"
}

workers() { ps -o pid= --ppid "$1"; }
none_left() { ! workers "$1" | grep -qwF "$2"; }
