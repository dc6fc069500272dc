const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' };

/**
 * Whether a list such as `localhost,.example.com:8443` names the host of a URL, so that it is reached without a proxy. The rules are those
 * of undici's `EnvHttpProxyAgent`: a name also stands for its subdomains, `*.example.com` only for them, and `*` for all hosts.
 */
export function isWithoutProxy(url: URL, noProxy: string): boolean {
  const host = withoutLastDot(url.hostname.replace(/^\[(.+)\]$/, '$1'));
  const port = url.port || DEFAULT_PORTS[url.protocol];
  return noProxy.split(/[,\s]+/).some((entry) => entry !== '' && names(readEntry(entry), host, port));
}

interface Entry {
  host: string;
  /** `undefined` for every port. */
  port: string | undefined;
  onlySubdomains: boolean;
}

function names({ host, port, onlySubdomains }: Entry, wantedHost: string, wantedPort: string | undefined): boolean {
  if (port !== undefined && port !== wantedPort) return false;
  return host === '*' || (!onlySubdomains && host === wantedHost) || wantedHost.endsWith(`.${host}`);
}

function readEntry(entry: string): Entry {
  // An IPv6 address with a port has brackets; one without may have them.
  const [, bracketed, bracketedPort] = /^\[(.+)\](?::(\d+))?$/.exec(entry) ?? [];
  const [, named, namedPort] = /^([^:]+):(\d+)$/.exec(entry) ?? [];
  const port = bracketedPort ?? namedPort;
  return {
    host: withoutLastDot((bracketed ?? named ?? entry).replace(/^\*?\./, '')),
    port: port === undefined || Number(port) === 0 ? undefined : String(Number(port)),
    onlySubdomains: entry.startsWith('*'),
  };
}

/** Returns a host in lower case, without the dot at the end of a full name. */
function withoutLastDot(host: string): string {
  return host.replace(/^(.+)\.$/, '$1').toLowerCase();
}
