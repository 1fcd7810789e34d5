/** What a Kubernetes API server, or the lack of one, says, in one line with what to do. */

interface Status {
  message?: string;
  reason?: string;
}

/** Reasons by which no answer of an API server comes back. */
const networkErrors: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection',
  ENOTFOUND: 'its name is unknown',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
};

/**
 * @param error of the client: an answer that says no, or no answer.
 * @param deed what was tried, e.g. `apply Deployment ratings`.
 * @param server its address.
 */
export function explain(error: unknown, deed: string, server: string): Error {
  const { code, body, message } = error as { code?: number | string; body?: unknown; message?: string };
  if (typeof code === 'number') return new Error(`cannot ${deed}: ${refusal(code, statusOf(body), deed)}`);
  const known = networkErrors[String(code)];
  if (known) return new Error(`no Kubernetes API server at ${server}: ${known}; check the kubeconfig, and that the cluster is up`);
  if (/certificate|self.signed|SSL|TLS/i.test(message ?? '')) {
    return new Error(`the API server at ${server} does not show a certificate that the kubeconfig trusts (${firstLine(message)}); take the cluster's own kubeconfig`);
  }
  return new Error(`cannot ${deed} at ${server}: ${firstLine(message)}`);
}

function refusal(code: number, { message = '', reason = '' }: Status, deed: string): string {
  const said = firstLine(message) || reason || `HTTP ${code}`;
  if (/exceeded quota/.test(message)) return `${said}; raise the quota, or run fewer services`;
  if (code === 401) return `the API server does not know the kubeconfig's user (${said}); renew its credentials`;
  if (code === 403 && / cannot /.test(message)) return `${said}; give the kubeconfig's user that right, or use an administrator's`;
  if (/failed calling webhook/.test(message)) return `${said}; the webhook's service does not answer: see whether istiod runs (namespace istio-system)`;
  if (/no matches for kind|could not find the requested resource/.test(message) || code === 404) {
    return `${said}; the cluster does not know that kind of object: ${/istio/i.test(deed + message) ? 'install Istio, or a newer one' : 'its version differs too much from 1.28'}`;
  }
  return said;
}

/** The server's account of an error, which clients give as text or parsed. */
function statusOf(body: unknown): Status {
  if (typeof body !== 'string') return (body ?? {}) as Status;
  try {
    return JSON.parse(body) as Status;
  } catch {
    return { message: body };
  }
}

function firstLine(text: string | undefined): string {
  return (text ?? '').trim().split('\n')[0].slice(0, 400);
}
