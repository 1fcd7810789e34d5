import { describe, expect, it } from 'vitest';
import { explain } from '../../../../lib/deploy/kubernetes/errors.js';

const server = 'https://10.0.0.1:6443';
const refused = (code: number, message: string, reason?: string) => explain({ code, body: JSON.stringify({ kind: 'Status', status: 'Failure', message, reason, code }) }, 'apply Deployment ratings', server).message;

// Messages as Kubernetes 1.28's API server wrote them.
describe('explain', () => {
  it('says that nobody listens where the kubeconfig points', () => {
    expect(explain({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:6443' }, 'list nodes', server).message)
      .toBe('no Kubernetes API server at https://10.0.0.1:6443: nothing listens there; check the kubeconfig, and that the cluster is up');
  });
  it('tells a certificate of another cluster from a server that is down', () => {
    expect(explain({ message: 'unable to verify the first certificate' }, 'list nodes', server).message).toMatch(/does not show a certificate that the kubeconfig trusts/);
  });
  it('says that the server does not know the user, with a body or without', () => {
    const told = (body?: string) => explain({ code: 401, body, message: 'HTTP-Code: 401\nMessage: Unauthorized\nBody: undefined' }, 'ask for the version', server).message;
    expect(told(JSON.stringify({ kind: 'Status', status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 })))
      .toBe("cannot ask for the version: the API server does not know the kubeconfig's user (Unauthorized); renew its credentials");
    expect(told()).toBe("cannot ask for the version: the API server does not know the kubeconfig's user (HTTP 401); renew its credentials");
  });
  it('names the right that the user lacks', () => {
    const message = 'deployments.apps "ratings" is forbidden: User "system:serviceaccount:probe:eve" cannot patch resource "deployments" in API group "apps" in the namespace "probe"';
    expect(refused(403, message, 'Forbidden')).toBe(`cannot apply Deployment ratings: ${message}; give the kubeconfig's user that right, or use an administrator's`);
    expect(refused(403, 'forbidden: User "system:anonymous" cannot get path "/api/v1"')).toMatch(/give the kubeconfig's user that right/);
    expect(explain({ code: 403 }, 'ask for the version', server).message).toBe("cannot ask for the version: HTTP 403; give the kubeconfig's user that right, or use an administrator's");
  });
  it('tells an exhausted quota from a missing right, though both are forbidden', () => {
    expect(refused(403, 'services "ratings" is forbidden: exceeded quota: services, requested: services=1, used: services=0, limited: services=0', 'Forbidden')).toMatch(/limited: services=0; raise the quota, or run fewer services$/);
  });
  it('says that Istio is missing where its resources are unknown', () => {
    expect(explain({ code: 404, body: '404 page not found\n' }, 'apply Telemetry x (telemetry.istio.io/v1alpha1)', server).message)
      .toBe('cannot apply Telemetry x (telemetry.istio.io/v1alpha1): 404 page not found; the cluster does not know that kind of object: install Istio, or a newer one');
    expect(explain({ code: 404, body: '404 page not found\n' }, 'apply Deployment x', server).message).toMatch(/differs too much from 1\.28$/);
  });
  it('says that a version of the API has no such kind, which the client finds out itself', () => {
    expect(explain(new Error('Unrecognized API version and kind: apps/v1 Deploiment'), 'apply Deploiment x', server).message)
      .toBe('cannot apply Deploiment x: the cluster does not know that kind of object: its version differs too much from 1.28');
  });
  it('says that another version lacks a field', () => {
    expect(refused(500, 'failed to create typed patch object (probe/x; telemetry.istio.io/v1alpha1, Kind=Telemetry): .spec.newField: field not declared in schema'))
      .toMatch(/field not declared in schema; the cluster does not know that field: install Istio, or a newer one$/);
  });
  it('tells the first of several faults', () => {
    const message = 'failed to create typed patch object (bench/x; apps/v1, Kind=Deployment): errors:\n  .spec.replica: field not declared in schema\n  .spec.templates: field not declared in schema';
    expect(refused(500, message)).toBe('cannot apply Deployment ratings: failed to create typed patch object (bench/x; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema; '
      + 'the cluster does not know that field: its version differs too much from 1.28');
  });
  it('does not take an object that is not there for a kind that is not known', () => {
    expect(refused(404, 'namespaces "nope" not found', 'NotFound')).toBe('cannot apply Deployment ratings: namespaces "nope" not found');
  });
  it('does not speak of rights where an admission check says no', () => {
    expect(refused(403, 'pods "x" is forbidden: error looking up service account probe/missing: serviceaccount "missing" not found', 'Forbidden')).not.toMatch(/right/);
  });
  it('says that a webhook does not answer', () => {
    expect(refused(500, 'Internal error occurred: failed calling webhook "validation.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/validate?timeout=10s": dial tcp 10.96.171.173:443: connect: connection refused', 'InternalError'))
      .toMatch(/connection refused; the webhook's service does not answer: see whether istiod runs \(namespace istio-system\)$/);
  });
  it('keeps to one line', () => {
    expect(refused(422, 'first\nsecond')).toBe('cannot apply Deployment ratings: first');
  });
});
