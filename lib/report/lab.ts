/** JupyterLab on this machine only, with its settings and files inside `.workbench/`. */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectRoot, venvPath, workbenchPath } from '../host/paths.js';
import { start, type Daemon } from '../host/process.js';

export interface Lab {
  /** Address with its token. */
  url: string;
  /** Address that opens a notebook, given relative to the clone. */
  notebookUrl(notebook: string): string;
  exited: Daemon['exited'];
  stop(): Promise<void>;
}

/** Starting takes 4 s on an idle machine; Jupyter's first start builds caches. */
const startTimeoutMs = 120_000;

/**
 * Starts JupyterLab on a free port of the loopback interface.
 * @param root folder shown, the clone by default.
 * @throws Error with the server's last line when it does not come up.
 */
export async function startLab(root: string = projectRoot()): Promise<Lab> {
  const [config, runtime] = ['config', 'runtime'].map((name) => workbenchPath('jupyter', name));
  const settings = writeSettings();
  writeStyle(path.join(config, 'custom', 'custom.css'));
  const port = await freePort();
  const token = crypto.randomBytes(24).toString('hex');
  const daemon = await start([
    venvPath('bin', 'jupyter-lab'), '--no-browser', '--ip', '127.0.0.1', '--port', String(port), '--port-retries', '0',
    '--ServerApp.root_dir', root, '--LabApp.app_settings_dir', settings, '--custom-css', '--allow-root',
    '--LabApp.extension_manager', 'readonly', '--KernelManager.transport', kernelTransport(runtime),
  ], {
    name: 'jupyterlab',
    // The token in the environment is not seen in the list of processes.
    env: {
      JUPYTER_TOKEN: token,
      JUPYTER_CONFIG_DIR: config,
      JUPYTER_DATA_DIR: workbenchPath('jupyter', 'data'),
      JUPYTER_RUNTIME_DIR: runtime,
      JUPYTERLAB_SETTINGS_DIR: workbenchPath('jupyter', 'settings'),
      JUPYTERLAB_WORKSPACES_DIR: workbenchPath('jupyter', 'workspaces'),
      IPYTHONDIR: workbenchPath('jupyter', 'ipython'),
    },
  });
  const base = `http://127.0.0.1:${port}`;
  await ready(daemon, `${base}/api?token=${token}`);
  return {
    url: `${base}/lab?token=${token}`,
    notebookUrl: (notebook) => `${base}/lab/tree/${notebook.split('/').map(encodeURIComponent).join('/')}?token=${token}`,
    exited: daemon.exited,
    stop: () => daemon.stop(10_000), // long enough to end its kernels
  };
}

/** Socket files cannot be taken by a load generator's connections, as ports can; but their path may have 107 bytes only. */
function kernelTransport(runtime: string): 'ipc' | 'tcp' {
  const socketName = '/kernel-00000000-0000-0000-0000-000000000000-ipc-5';
  return process.platform === 'linux' && Buffer.byteLength(runtime + socketName) <= 107 ? 'ipc' : 'tcp';
}

/** Settings that hold for everybody who opens this clone's Lab; one's own, made in Lab, come on top. */
function writeSettings(): string {
  const folder = workbenchPath('jupyter', 'lab');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'overrides.json'), JSON.stringify({
    // Otherwise cells out of view are not in the page, and neither are their figures.
    '@jupyterlab/notebook-extension:tracker': { windowingMode: 'none' },
    // No question about news, no look for updates: the workbench works offline.
    '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false },
  }, null, 2));
  return folder;
}

/** A figure's picture has two pixels per CSS pixel, but JupyterLab's Plotly shows it pixel by pixel until one points at it. */
function writeStyle(file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '.jp-RenderedPlotly img.plot-img { zoom: 0.5; }\n');
}

async function ready(daemon: Daemon, url: string): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (daemon.alive() && Date.now() < deadline) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await delay(200);
  }
  const last = daemon.output().trim().split('\n').pop() ?? '';
  await daemon.stop();
  throw new Error(`JupyterLab did not start within ${startTimeoutMs / 1000} s: ${last}; its output is in ${workbenchPath('log')}`);
}

/** A port the kernel says is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
