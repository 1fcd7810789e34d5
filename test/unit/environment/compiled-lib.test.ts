import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type ts from 'typescript';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const typescript = require('@tslab/typescript-for-tslab') as typeof ts & { getPreEmitDiagnosticsOfFiles(program: ts.Program, files: ts.SourceFile[]): ts.Diagnostic[] };
const { keepCompiledLib } = require('./environment/kernel/compiled-lib.cjs') as { keepCompiledLib(compiler: object, root: string, folder: string): Kept };

interface Kept {
  createProgram: typeof ts.createEmitAndSemanticDiagnosticsBuilderProgram;
  getPreEmitDiagnosticsOfFiles(program: ts.Program, files: ts.SourceFile[]): ts.Diagnostic[];
  transpileModule(text: string, options: ts.TranspileOptions): ts.TranspileOutput;
}

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'compiled-lib-'));
  write('node_modules/.package-lock.json', '{}');
  write('inner.ts', 'export const inner: number = 1;');
  write('outer.ts', "import { inner } from './inner.js'; export const outer: number = inner;");
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), text);
}

const entry = (file: string): string => path.join(root, 'kept', `${file}.json`);

/** What a new kernel makes of outer.ts and inner.ts, in tslab's order: check all, then emit each and make CommonJS of it. */
function compile(): { errors: string[]; js: string[] } {
  const kept = keepCompiledLib(typescript, root, path.join(root, 'kept'));
  const options: ts.CompilerOptions = { module: typescript.ModuleKind.ESNext, moduleResolution: 2 as ts.ModuleResolutionKind, target: typescript.ScriptTarget.ES2022, lib: ['lib.es5.d.ts'], strict: true, declaration: true, types: [], outDir: 'outDir', rootDir: root };
  const host = typescript.createIncrementalCompilerHost(options);
  const builder = kept.createProgram([path.join(root, 'outer.ts')], options, host);
  const sources = ['outer.ts', 'inner.ts'].map((name) => builder.getSourceFile(path.join(root, name))!);
  const errors = kept.getPreEmitDiagnosticsOfFiles(builder.getProgram(), sources).map(({ file, messageText }) => `${path.basename(file?.fileName ?? '')}: ${String(messageText)}`);
  const js: string[] = [];
  if (errors.length === 0) {
    for (const source of sources) {
      builder.emit(source, (name, text) => {
        if (name.endsWith('.js')) js.push(kept.transpileModule(text, { compilerOptions: { module: typescript.ModuleKind.CommonJS } }).outputText);
      });
    }
  }
  return { errors, js };
}

test('what one kernel compiled the next one takes', () => {
  const first = compile();
  expect(first.errors).toEqual([]);
  expect(first.js[0]).toContain('exports.outer = ');
  expect(compile()).toEqual(first);
  fs.writeFileSync(entry('outer.ts'), fs.readFileSync(entry('outer.ts'), 'utf8').replace('exports.outer = ', 'exports.kept = '));
  expect(compile().js[0]).toContain('exports.kept = ');
});

test('a file is checked again when one it imports has changed', () => {
  compile();
  write('inner.ts', "export const inner: string = 'one';");
  expect(compile().errors).toEqual(["outer.ts: Type 'string' is not assignable to type 'number'."]);
});

test('and when another version of a package is installed', () => {
  compile();
  const before = fs.readFileSync(entry('outer.ts'), 'utf8');
  write('node_modules/.package-lock.json', '{"packages":{}}');
  compile();
  expect(fs.readFileSync(entry('outer.ts'), 'utf8')).not.toBe(before);
});

test('a file with an error is told each time', () => {
  write('inner.ts', "export const inner: number = 'one';");
  expect(compile()).toEqual(compile());
  expect(compile().errors).toEqual(["inner.ts: Type 'string' is not assignable to type 'number'."]);
  expect(fs.existsSync(entry('inner.ts'))).toBe(false);
});

test('an entry that is cut short is made anew', () => {
  const first = compile();
  fs.writeFileSync(entry('outer.ts'), '{"key":');
  expect(compile()).toEqual(first);
  expect(JSON.parse(fs.readFileSync(entry('outer.ts'), 'utf8'))).toHaveProperty('js');
});
