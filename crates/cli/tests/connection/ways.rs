//! Proxies and root certificates, with servers of the test's own.

use std::process::Command;
use std::sync::Arc;

use keyminder_testkit::command::{Ran, World, contains, finish};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls_pki_types::PrivateKeyDer;

use super::server::{Reply, Server, http, identity};

fn sandboxed(world: &World, variables: &[(&str, &str)]) -> Ran {
    let mut command = world.command(&["plan"]);
    command.envs(variables.iter().copied());
    finish(command)
}

/// A proxy for the sandbox: plain requests come to it with the whole URL.
fn refusing() -> Server {
    Server::start(|_| http("418 I'm a teapot", "", ""))
}

#[test]
fn plain_requests_go_through_http_proxy_unless_no_proxy_names_their_host() {
    let world = World::new();
    for name in ["HTTP_PROXY", "http_proxy"] {
        let proxy = refusing();
        let url = proxy.url().replace("http://", "http://user:pa55word@");
        let ran = sandboxed(&world, &[(name, &url)]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        let asked = proxy.asked();
        assert!(asked[0].starts_with(&format!("POST {}", world.sandbox.url())), "{asked:?}");
        assert!(asked[0].to_ascii_lowercase().contains("proxy-authorization: basic "), "{asked:?}");
        assert!(!ran.stderr.contains("pa55word"), "{ran:#?}");
        contains(&ran.stderr, &[&format!("go through the proxy http://***@{} ({name})", proxy.address)]);

        for (no_proxy, value) in [("NO_PROXY", "127.0.0.1"), ("no_proxy", "localhost, 127.0.0.0/8"), ("NO_PROXY", "*")]
        {
            assert_eq!(sandboxed(&world, &[(name, &url), (no_proxy, value)]).code, 0);
        }
        assert_eq!(proxy.asked().len(), asked.len(), "nothing more went through it");
        assert_eq!(
            sandboxed(&world, &[("HTTP_PROXY", &url), ("http_proxy", "")]).code,
            0,
            "in lower case it comes first"
        );
        assert_eq!(sandboxed(&world, &[("ALL_PROXY", &url)]).code, 0, "the AWS CLI does not know it");
        assert_eq!(sandboxed(&world, &[("HTTPS_PROXY", &url)]).code, 0, "it is for https alone");
    }
}

#[test]
fn container_credentials_are_asked_for_without_a_proxy() {
    let world = World::new();
    let (proxy, host) = (
        refusing(),
        Server::start(|_| {
            http(
                "200 OK",
                "Content-Type: application/json\r\n",
                r#"{"AccessKeyId":"AKIASANDBOXCONTAINER","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#,
            )
        }),
    );
    let mut command = world.command(&["plan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/creds", host.url())).env("HTTP_PROXY", proxy.url());
    finish(command);
    assert_eq!(host.asked().len(), 1);
    assert!(proxy.asked().iter().all(|asked| asked.starts_with("POST ")), "only AWS's own calls: {:?}", proxy.asked());
}

/// An authority of the test's own and a server that it vouches for, which answers as AWS does not.
struct Tls {
    folder: tempfile::TempDir,
    server: Server,
}

impl Tls {
    fn start() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &authority).unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join("root.pem"), format!("# ours\n{}", authority.pem())).unwrap();
        let mut other = CertificateParams::default();
        other.distinguished_name.push(DnType::CommonName, "another authority");
        let other = CertifiedIssuer::self_signed(other, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Self { folder, server: Server::with(Some(Arc::new(config)), |_| identity("000000000000x")) }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Asks the server who is calling. It answers with an account that is none, by which it is known.
    fn ask(&self, variables: &[(&str, &str)], config: &str) -> Ran {
        let world = World::new();
        std::fs::create_dir(world.home.path().join(".aws")).unwrap();
        world.write(".aws/config", config);
        let url = format!("https://{}", self.server.address);
        let mut command: Command = world.command(&["plan", "--endpoint-url", &url]);
        command.envs(variables.iter().copied());
        finish(command)
    }
}

const REACHED: &str = "an account id has twelve digits";

#[test]
fn a_bundle_replaces_the_roots_and_the_variable_beats_the_profile() {
    let tls = Tls::start();
    let (root, other) = (tls.file("root.pem"), tls.file("other.pem"));
    let profile = |file: &str| format!("[default]\nca_bundle = {file}\n");
    for (variables, config) in [
        (vec![("AWS_CA_BUNDLE", root.as_str())], String::new()),
        (vec![], profile(&root)),
        (vec![("SSL_CERT_FILE", root.as_str())], String::new()),
        (vec![("AWS_CA_BUNDLE", root.as_str())], profile(&other)),
        (vec![("AWS_CA_BUNDLE", root.as_str()), ("SSL_CERT_FILE", other.as_str())], String::new()),
    ] {
        contains(&tls.ask(&variables, &config).stderr, &[REACHED]);
    }
    for (variables, config, roots) in [
        (vec![], String::new(), "the root certificates of this system"),
        (vec![("AWS_CA_BUNDLE", other.as_str())], profile(&root), "other.pem (AWS_CA_BUNDLE)"),
        (vec![("SSL_CERT_FILE", root.as_str())], profile(&other), "ca_bundle of profile 'default'"),
        (vec![("SSL_CERT_FILE", other.as_str())], String::new(), "other.pem (SSL_CERT_FILE)"),
    ] {
        let ran = tls.ask(&variables, &config);
        assert_eq!(ran.code, 1, "{ran:#?}");
        contains(&ran.stderr, &["UnknownIssuer", roots, "AWS_CA_BUNDLE, ca_bundle"]);
    }
}

#[test]
fn requests_over_tls_go_through_a_tunnel_of_https_proxy() {
    let tls = Tls::start();
    let target = tls.server.address;
    let proxy = Server::start(move |request| {
        match request.contains("Proxy-Authorization: Basic dTpw")
            || request.to_ascii_lowercase().contains("proxy-authorization: basic dtpw")
        {
            true => Reply::Tunnel(target),
            false => http("407 Proxy Authentication Required", "", ""),
        }
    });
    let root = tls.file("root.pem");
    let with = proxy.url().replace("http://", "http://u:p@");
    contains(&tls.ask(&[("AWS_CA_BUNDLE", &root), ("HTTPS_PROXY", &with)], "").stderr, &[REACHED]);
    assert!(proxy.asked()[0].starts_with(&format!("CONNECT {target} ")), "{:?}", proxy.asked());
    let ran = tls.ask(&[("AWS_CA_BUNDLE", &root), ("https_proxy", &proxy.url())], "");
    contains(
        &ran.stderr,
        &["proxy authorization required", "go through the proxy", "give it a user name and a password"],
    );
    let before = proxy.asked().len();
    contains(
        &tls.ask(&[("AWS_CA_BUNDLE", &root), ("HTTPS_PROXY", &with), ("NO_PROXY", "127.0.0.1")], "").stderr,
        &[REACHED],
    );
    assert_eq!(proxy.asked().len(), before);
}
