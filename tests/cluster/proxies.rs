//! Proxies in front of the app and behind it: nginx, and Envoy as its makers release it.

use serde_json::json;

use crate::cluster::manifests::{app, client, pod, serving};
use crate::cluster::scene::Scene;
use crate::support::certificates::Authority;
use crate::support::failure::Outcome;

/// A page on port 8080 that tells how it was asked for.
const WEB: &str = r#"cat >/tmp/page <<'PAGE'
while read -r line; do
    line=${line%?}
    case $line in '') break ;; [Xx]-[Ff]orwarded-[Pp]roto*) saw=$line ;; esac
done
printf 'HTTP/1.0 200 OK\r\n\r\n%s\n' "page $saw"
PAGE
exec socat TCP-LISTEN:8080,fork,reuseaddr EXEC:'sh /tmp/page'"#;

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn nginx_tls_terminates_tls_with_a_certificate_of_its_own() -> Outcome {
    let scene = Scene::open("own-tls").await?;
    let asks = json!({
        "pillion.dev/inject": "nginx-tls",
        "nginx-tls.pillion.dev/names": "web.example.com",
    });
    scene.create(&pod("web", &asks, &app(WEB))).await?;
    scene.create(&client()).await?;
    scene.ready("web").await?;
    scene.ready("client").await?;
    let address = scene.address("web").await?;
    let made = format!(
        "openssl s_client -connect {address}:8443 </dev/null 2>/dev/null | openssl x509 >/tmp/web.crt"
    );
    scene.exec("client", "app", &made)?;
    let page = scene.exec(
        "client",
        "app",
        &format!(
            "curl -sS --cacert /tmp/web.crt --resolve web.example.com:8443:{address} \
             https://web.example.com:8443/"
        ),
    )?;
    assert_eq!(page, "page X-Forwarded-Proto: https\n");
    Ok(())
}

/// A pod with the template's TLS, from a Secret, in front of its page; a client calls it by name.
async fn terminates_tls(template: &str, port: u16) -> Outcome {
    let scene = Scene::open(template).await?;
    let authority = Authority::new("web")?;
    let issued = authority.serving(&["web.example.com"])?;
    scene
        .create(&json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "web-tls"},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": issued.certificate, "tls.key": issued.key},
        }))
        .await?;
    let mut asks = json!({"pillion.dev/inject": template});
    asks[format!("{template}.pillion.dev/secret")] = json!("web-tls");
    scene.create(&pod("web", &asks, &app(WEB))).await?;
    scene.create(&client()).await?;
    scene.ready("web").await?;
    scene.ready("client").await?;
    let address = scene.address("web").await?;
    let call = format!(
        "cat >/tmp/ca.crt <<'PEM'\n{}\nPEM
        until curl -sS --fail --cacert /tmp/ca.crt --resolve web.example.com:{port}:{address} \
            https://web.example.com:{port}/; do sleep 0.5; done",
        authority.pem()
    );
    let page = scene.exec("client", "app", &call)?;
    assert_eq!(page.to_lowercase(), "page x-forwarded-proto: https\n");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn nginx_tls_terminates_tls_with_the_certificate_of_a_secret() -> Outcome {
    terminates_tls("nginx-tls", 8443).await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn envoy_tls_terminates_tls_with_the_certificate_of_a_secret() -> Outcome {
    terminates_tls("envoy-tls", 9443).await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn api_proxy_tries_again_and_limits_the_rate() -> Outcome {
    let scene = Scene::open("api").await?;
    // The first try of each path fails. The kubelet's probes ask for none, so that they change
    // nothing, whenever they come.
    let fails = app(r#"cat >/tmp/answer <<'ANSWER'
read -r method path version || exit 0
while read -r line; do
    line=${line%?}
    case $line in '') break ;; esac
done
if mkdir /tmp/tried-${path#/} 2>/dev/null; then status='503 First'; else status='200 OK'; fi
printf 'HTTP/1.0 %s\r\n\r\nanswer\n' "$status"
ANSWER
exec socat TCP-LISTEN:8080,fork,reuseaddr EXEC:'sh /tmp/answer'"#);
    scene
        .create(&pod("api", &json!({}), &serving(fails, 8080)))
        .await?;
    scene.ready("api").await?;
    let asks = json!({
        "pillion.dev/inject": "api-proxy",
        "api-proxy.pillion.dev/url": format!("http://{}:8080", scene.address("api").await?),
        "api-proxy.pillion.dev/retries": "3",
        // A busy machine is no failure of the API.
        "api-proxy.pillion.dev/timeout": "140",
        "api-proxy.pillion.dev/try-timeout": "60",
        "api-proxy.pillion.dev/rate": "1",
        "api-proxy.pillion.dev/burst": "2",
    });
    // One program for all calls: they come faster than the rate.
    let calls = app(r#"curl -sS -o '/tmp/#1' -w '%{http_code}\n' "$API_ENDPOINT/[1-30]""#);
    scene.create(&pod("orders", &asks, &calls)).await?;
    scene.phase("orders", "Succeeded").await?;
    let log = scene.log("orders", "app").await?;
    let count = |code: &str| log.lines().filter(|line| *line == code).count();
    assert!(count("200") >= 2 && count("429") >= 1, "{log}");
    assert_eq!(count("200") + count("429"), 30, "{log}");
    Ok(())
}

/// How many connections Envoy has taken on a listener of the mesh template, by its own count.
fn taken(scene: &Scene, pod: &str, listener: &str) -> Outcome<String> {
    let script = format!(
        "curl -sS 'localhost:15000/stats?filter=^tcp.{listener}.downstream_cx_total' | cut -d' ' -f2"
    );
    scene.exec(pod, "app", &script)
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn the_rules_of_mesh_proxy_capture_traffic() -> Outcome {
    let scene = Scene::with_level("mesh", "privileged").await?;
    let asks = json!({
        "pillion.dev/inject": "mesh-proxy",
        "mesh-proxy.pillion.dev/exclude-inbound": "9090",
        "mesh-proxy.pillion.dev/exclude-outbound": "9091",
    });
    let serves = app("mkdir /tmp/www && echo page >/tmp/www/index.html
        for port in 9090 9091; do httpd -f -p $port -h /tmp/www & done
        exec httpd -f -p 8080 -h /tmp/www");
    scene.create(&pod("web", &asks, &serves)).await?;
    let mut calls = client();
    calls["metadata"]["annotations"] = asks;
    scene.create(&calls).await?;
    scene.ready("web").await?;
    scene.ready("client").await?;
    // Connections on loopback are nobody's business but the pod's.
    let open = "for port in 8080 9090 9091; do
        until curl -sS localhost:$port; do sleep 0.2; done
    done";
    assert_eq!(scene.exec("web", "app", open)?, "page\npage\npage\n");
    assert_eq!(taken(&scene, "web", "inbound")?, "0\n");
    let web = scene.address("web").await?;
    for port in [8080, 9090, 9091] {
        let call = format!("curl -sS http://{web}:{port}/");
        assert_eq!(scene.exec("client", "app", &call)?, "page\n");
    }
    // Of the three the client's proxy has not seen 9091, and the server's not 9090.
    assert_eq!(taken(&scene, "client", "outbound")?, "2\n");
    assert_eq!(taken(&scene, "web", "inbound")?, "2\n");
    Ok(())
}
