import * as fs from 'node:fs';
import * as path from 'node:path';
import ts from 'typescript';
import { createRequire } from 'node:module';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';

const root = process.cwd();
const libFiles = (fs.readdirSync(path.join(root, 'lib'), { recursive: true }) as string[])
  .filter((name) => name.endsWith('.ts')).map((name) => path.join(root, 'lib', name));

test("every lib file compiles in the notebook kernel's own TypeScript, with the options the launcher gives it", { timeout: 240_000 }, () => {
  const kernelTs = createRequire(path.join(root, 'package.json'))('@tslab/typescript-for-tslab') as typeof ts;
  expect(kernelTs.version).toBe('5.0.4');
  const program = kernelTs.createProgram(libFiles, {
    module: kernelTs.ModuleKind.ESNext,
    moduleResolution: 2 as ts.ModuleResolutionKind, // node10
    target: kernelTs.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    strict: true,
    esModuleInterop: true,
    experimentalDecorators: true,
    resolveJsonModule: true,
    declaration: true, // cells see lib through declarations
    skipLibCheck: true,
    noEmit: true,
  });
  // As tslab does: of the files it runs, not of the packages' declarations.
  const sources = libFiles.map((file) => program.getSourceFile(file));
  const found = sources.flatMap((source) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source), ...program.getDeclarationDiagnostics(source)]);
  const messages = found.map(({ file, start = 0, messageText }) =>
    `${path.relative(root, file?.fileName ?? '')}:${(file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1}: ${kernelTs.flattenDiagnosticMessageText(messageText, ' ')}`);
  expect(messages).toEqual([]);
});

test('no lib file imports itself through others: the kernel would load it for ever', () => {
  const imports = new Map(libFiles.map((file) => [file, valueImports(file)]));
  const cycles: string[] = [];
  const visit = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) cycles.push([...trail.slice(at), file].map((name) => path.relative(root, name)).join(' → '));
    else if (!done.has(file)) (imports.get(file) ?? []).forEach((next) => visit(next, [...trail, file]));
    done.add(file);
  };
  const done = new Set<string>();
  libFiles.forEach((file) => visit(file, []));
  expect(cycles).toEqual([]);
});

/** Lib files that remain imported once types are erased. */
function valueImports(file: string): string[] {
  const text = fs.readFileSync(file, 'utf8');
  const js = transformSync(text, { loader: 'ts', target: 'es2022' }).code;
  return ts.preProcessFile(js).importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'))
    .map((name) => path.join(path.dirname(file), name.replace(/\.js$/, '.ts')));
}
