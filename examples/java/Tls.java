// TLS 1.3 with client authentication, where server and client sign with keys of a PKCS#11 token.
//
//   CONSUMER_PIN=1234 java Tls.java pkcs11.cfg server ALIAS ca.pem          prints its port, answers until it is stopped
//   CONSUMER_PIN=1234 java Tls.java pkcs11.cfg client ALIAS ca.pem PORT     prints what the server answers
//
// ALIAS names a key of the token's key store with its certificate chain; ca.pem holds the authority that the other
// side's certificate comes from. Ephemeral keys and the record layer stay with Java's own providers.

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509KeyManager;

public class Tls {
    public static void main(String[] arguments) throws Exception {
        SSLContext context = context(arguments[0], arguments[2], arguments[3]);
        if (arguments[1].equals("server")) serve(context); else ask(context, Integer.parseInt(arguments[4]));
    }

    private static SSLContext context(String configuration, String alias, String authority) throws Exception {
        Provider token = Security.getProvider("SunPKCS11").configure(configuration);
        Security.addProvider(token);
        KeyStore keys = KeyStore.getInstance("PKCS11", token);
        keys.load(null, System.getenv("CONSUMER_PIN").toCharArray());
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(new KeyManager[] {new OneKey(keys, alias)}, trust(authority).getTrustManagers(), null);
        return context;
    }

    private static TrustManagerFactory trust(String authority) throws Exception {
        KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
        anchors.load(null, null);
        try (InputStream file = new FileInputStream(authority)) {
            anchors.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(anchors);
        return trust;
    }

    private static void serve(SSLContext context) throws Exception {
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(0, 5, InetAddress.getLoopbackAddress());
        listener.setNeedClientAuth(true);
        System.out.println("port " + listener.getLocalPort());
        while (true) {
            try (SSLSocket peer = (SSLSocket) listener.accept()) {
                if (new BufferedReader(new InputStreamReader(peer.getInputStream())).readLine() != null) {
                    peer.getOutputStream().write((describe(peer) + "\n").getBytes());
                }
            } catch (java.io.IOException refused) {
                System.out.println("refused: " + refused.getMessage());
            }
        }
    }

    private static void ask(SSLContext context, int port) throws Exception {
        try (SSLSocket peer = (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
            peer.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
            System.out.println("client: " + describe(peer));
            System.out.print("server: " + new String(peer.getInputStream().readAllBytes()));
        }
    }

    private static String describe(SSLSocket peer) throws Exception {
        return peer.getSession().getProtocol() + " with " + peer.getSession().getPeerPrincipal().getName();
    }

    /** A key manager that always answers with one alias; Java's own picks the first that fits. */
    private record OneKey(KeyStore keys, String alias) implements X509KeyManager {
        public String[] getClientAliases(String type, Principal[] issuers) { return fitting(type); }
        public String[] getServerAliases(String type, Principal[] issuers) { return fitting(type); }

        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            for (String type : types) if (fitting(type) != null) return alias;
            return null;
        }

        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return fitting(type) == null ? null : alias;
        }

        private String[] fitting(String type) {
            return getPrivateKey(alias).getAlgorithm().equals(type) ? new String[] {alias} : null;
        }

        public X509Certificate[] getCertificateChain(String name) {
            try {
                return java.util.Arrays.stream(keys.getCertificateChain(name)).toArray(X509Certificate[]::new);
            } catch (java.security.KeyStoreException error) {
                throw new IllegalStateException(error);
            }
        }

        public PrivateKey getPrivateKey(String name) {
            try {
                return (PrivateKey) keys.getKey(name, null);
            } catch (java.security.GeneralSecurityException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
