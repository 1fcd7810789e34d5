import { describe, expect, it } from 'vitest';
import { explain } from '../../../../lib/deploy/kubernetes/errors.js';

const server = 'https://10.0.0.1:6443';
const refused = (code: number, message: string) => explain({ code, body: JSON.stringify({ kind: 'Status', message }) }, 'apply Deployment ratings', server).message;

describe('explain', () => {
  it('says that nobody listens where the kubeconfig points', () => {
    expect(explain({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:6443' }, 'list nodes', server).message)
      .toBe('no Kubernetes API server at https://10.0.0.1:6443: nothing listens there; check the kubeconfig, and that the cluster is up');
  });
  it('tells a certificate of another cluster from a server that is down', () => {
    expect(explain({ message: 'unable to verify the first certificate' }, 'list nodes', server).message).toMatch(/does not show a certificate that the kubeconfig trusts/);
  });
  it('names the right that the user lacks', () => {
    const message = refused(403, 'namespaces is forbidden: User "eve" cannot create resource "namespaces"');
    expect(message).toBe('cannot apply Deployment ratings: namespaces is forbidden: User "eve" cannot create resource "namespaces"; give the kubeconfig\'s user that right, or use an administrator\'s');
  });
  it('tells an exhausted quota from a missing right, though both are forbidden', () => {
    expect(refused(403, 'pods "ratings" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2')).toMatch(/raise the quota, or run fewer services$/);
  });
  it('says that Istio is missing where its resources are unknown', () => {
    expect(explain({ code: 404, body: '404 page not found' }, 'apply Telemetry x (telemetry.istio.io/v1alpha1)', server).message).toMatch(/install Istio, or a newer one$/);
    expect(explain({ code: 404, body: '404 page not found' }, 'apply Deployment x', server).message).toMatch(/differs too much from 1\.28$/);
  });
  it('does not speak of rights where an admission check says no', () => {
    expect(refused(403, 'pods "x" is forbidden: error looking up service account x/default')).not.toMatch(/right/);
  });
  it('says that a webhook does not answer', () => {
    expect(refused(500, 'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": connection refused')).toMatch(/see whether istiod runs/);
  });
  it('keeps to one line', () => {
    expect(refused(422, 'first\nsecond')).toBe('cannot apply Deployment ratings: first');
  });
});
