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
  if (/^Unrecognized API version and kind/.test(message ?? '')) return new Error(`cannot ${deed}: ${unknownKind(deed)}`);
  const known = networkErrors[String(code)];
  if (known) return new Error(`no Kubernetes API server at ${server}: ${known}; check the kubeconfig, and that the cluster is up`);
  if (/certificate|self.signed|SSL|TLS/i.test(message ?? '')) {
    return new Error(`the API server at ${server} does not show a certificate that the kubeconfig trusts (${firstLine(message)}); take the cluster's own kubeconfig`);
  }
  return new Error(`cannot ${deed} at ${server}: ${firstLine(message)}`);
}

function refusal(code: number, { message = '', reason = '' }: Status, deed: string): string {
  const said = firstLine(message) || reason || `HTTP ${code}`;
  const remedy = admissionRemedy(message);
  if (remedy) return `${said}; ${remedy}`;
  if (code === 401) return `the API server does not know the kubeconfig's user (${said}); renew its credentials`;
  if (code === 403 && (/ cannot /.test(message) || !message)) return `${said}; give the kubeconfig's user that right, or use an administrator's`;
  if (/field not declared in schema/.test(message)) return `${said}; the cluster does not know that field: ${otherVersion(deed + message)}`;
  if (code === 404 && reason !== 'NotFound') return `${said}; ${unknownKind(deed)}`;
  return said;
}

function unknownKind(deed: string): string {
  return `the cluster does not know that kind of object: ${otherVersion(deed)}`;
}

/** @param about what names the group of the object. */
function otherVersion(about: string): string {
  return /istio/i.test(about) ? 'install Istio, or a newer one' : 'its version differs too much from 1.28';
}

/**
 * What to do where a check on the way into the cluster says no to an object, or cannot be asked.
 * @param message of the API server; a ReplicaSet whose pods it refuses passes it on.
 */
export function admissionRemedy(message: string): string | null {
  if (/exceeded quota/.test(message)) return 'raise the quota, or run fewer services';
  if (/failed quota/.test(message)) return 'lift that quota, or give the namespace a LimitRange with defaults for what it wants said';
  if (/(maximum|minimum) \S+ usage per/.test(message)) return 'widen the LimitRange of the namespace';
  if (/violates PodSecurity/.test(message)) return 'allow privileged pods there: Istio\'s init container writes iptables rules';
  if (/failed calling webhook/.test(message)) return "the webhook's service does not answer: see whether istiod runs (namespace istio-system)";
  return null;
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
  // Several faults stand below one another; the first is told.
  return (text ?? '').trim().replace(/errors:\n\s*/, '').split('\n')[0].slice(0, 400);
}
