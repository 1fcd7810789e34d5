import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { expect, it } from 'vitest';
import { stepLoopCode, stepLoopListing } from '../../../lib/host/step-loop.js';

/** Where the listing names a place, by index of the instruction there. */
const places = { next: 7, done: stepLoopListing.length - 8 };

it('the step loop\'s bytes are the instructions that its listing says', () => {
  const decoder = new Decoder(64, stepLoopCode, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const decoded: { at: number; text: string }[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    decoded.push({ at: Number(instruction.ip), text: formatter.format(instruction) });
  }
  const named = (text: string) => text.replace(/0000000000000([0-9A-F]{3})h$/, (_, hex: string) =>
    Object.entries(places).find(([, index]) => decoded[index].at === parseInt(hex, 16))?.[0] ?? hex);
  expect(decoded.map(({ text }) => named(text))).toEqual(stepLoopListing.map(([text]) => text));
});
