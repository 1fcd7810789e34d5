/** A machine that lacks some programs, as far as PATH tells. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/** @param folder where links are put. @returns a PATH that has everything this one has but some programs. */
export function pathWithout(folder: string, ...missing: string[]): string {
  const links = path.join(folder, 'bin');
  fs.mkdirSync(links);
  const found = new Set(missing);
  for (const from of process.env.PATH!.split(':').filter((one) => fs.existsSync(one))) {
    for (const program of fs.readdirSync(from).filter((name) => !found.has(name))) {
      fs.symlinkSync(path.join(from, program), path.join(links, program));
      found.add(program);
    }
  }
  return links;
}
