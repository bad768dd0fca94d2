//! The HTTP client of every AWS client and credential provider: it knows proxies and roots, and bounds every answer.

use std::fmt;
use std::sync::Arc;

use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::Uri;

use super::proxy::{Proxies, Proxy};
use super::roots::Roots;
use crate::error::{TooLong, Way};

/// The longest answer that AWS gives is that of an invoked function, 6 MB ("Lambda quotas"). Lists come in pages of at
/// most a megabyte.
const LONGEST_INVOCATION: usize = 8 << 20;
const LONGEST_ANSWER: usize = 4 << 20;

/// What a request for a function's package accepts. A package of ours has at most 8 MB, settings included.
pub(super) const PACKAGE: &str = "application/zip";
const LONGEST_PACKAGE: usize = 16 << 20;

/// A client that goes the way it is told.
pub(super) fn client(proxies: Proxies, roots: Roots) -> SharedHttpClient {
    let through = |proxy: &Option<Proxy>| proxy.as_ref().map(|proxy| over_tls(&roots, Some(proxy)));
    SharedHttpClient::new(Client(Arc::new(Ways {
        plain: Builder::new().build_http(),
        tls: over_tls(&roots, None),
        https_proxy: through(&proxies.https),
        http_proxy: through(&proxies.http),
        proxies,
        roots: roots.shown,
    })))
}

fn over_tls(roots: &Roots, proxy: Option<&Proxy>) -> SharedHttpClient {
    let context = roots.context.clone();
    let proxy = proxy.map(|proxy| proxy.config.clone());
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder();
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.set_proxy_config(proxy.clone());
        builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context.clone()).build()
    })
}

/// The connections there are. The roots are read only once a connection needs them.
#[derive(Debug)]
struct Ways {
    plain: SharedHttpClient,
    tls: SharedHttpClient,
    https_proxy: Option<SharedHttpClient>,
    http_proxy: Option<SharedHttpClient>,
    proxies: Proxies,
    roots: String,
}

impl Ways {
    fn of(&self, uri: &Uri) -> (&SharedHttpClient, Way) {
        let is_tls = uri.scheme_str() == Some("https");
        let proxy = self.proxies.of(uri);
        let way = Way {
            host: uri.authority().map(|authority| authority.host().to_owned()).unwrap_or_default(),
            proxy: proxy.map(|proxy| proxy.shown.clone()),
            roots: self.roots.clone(),
        };
        let client = match (proxy, is_tls) {
            (Some(_), true) => self.https_proxy.as_ref(),
            (Some(_), false) => self.http_proxy.as_ref(),
            (None, true) => Some(&self.tls),
            (None, false) => Some(&self.plain),
        };
        (client.unwrap_or(&self.tls), way)
    }
}

#[derive(Debug)]
struct Client(Arc<Ways>);

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let (settings, components) = (settings.clone(), components.clone());
        SharedHttpConnector::new(Bounded { ways: Arc::clone(&self.0), settings, components })
    }
}

struct Bounded {
    ways: Arc<Ways>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl fmt::Debug for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("ways", &self.ways).finish_non_exhaustive()
    }
}

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Ok(uri) = request.uri().parse::<Uri>() else {
            return HttpConnectorFuture::ready(Err(ConnectorError::user("a request without a URL".into())));
        };
        let (client, way) = self.ways.of(&uri);
        let longest = match request.headers().get("accept") {
            Some(PACKAGE) => LONGEST_PACKAGE,
            _ if uri.path().ends_with("/invocations") => LONGEST_INVOCATION,
            _ => LONGEST_ANSWER,
        };
        let answer = client.http_connector(&self.settings, &self.components).call(request);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(answer) => {
                    let mut answer = bounded(answer, longest, &way).await?;
                    answer.add_extension(way);
                    Ok(answer)
                }
                Err(error) => Err(with_way(error, way)),
            }
        })
    }
}

/// The whole answer, if it has an end.
async fn bounded(mut answer: HttpResponse, longest: usize, way: &Way) -> Result<HttpResponse, ConnectorError> {
    let too_long = || ConnectorError::other(Box::new(TooLong { host: way.host.clone(), bytes: longest }), None);
    if answer.body().content_length().is_some_and(|length| length > longest as u64) {
        return Err(too_long());
    }
    let mut body = ByteStream::new(answer.take_body());
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| with_way(ConnectorError::io(error.into()), way.clone()))?;
        if bytes.len() + part.len() > longest {
            return Err(too_long());
        }
        bytes.extend_from_slice(&part);
    }
    *answer.body_mut() = SdkBody::from(bytes);
    Ok(answer)
}

/// The same error, which now knows the way that the request went.
fn with_way(error: ConnectorError, way: Way) -> ConnectorError {
    let (is_timeout, is_user, is_io, kind) = (error.is_timeout(), error.is_user(), error.is_io(), error.as_other());
    let source = Box::new(way.failed(error.into_source()));
    match () {
        () if is_timeout => ConnectorError::timeout(source),
        () if is_user => ConnectorError::user(source),
        () if is_io => ConnectorError::io(source),
        () => ConnectorError::other(source, kind),
    }
}
