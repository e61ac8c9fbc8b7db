import { createRequire } from 'node:module';
import express5 from 'express';

/** Both are used through the types of Express 5: the tests stay within what the two have in common. */
const express4 = createRequire(import.meta.url)('express4') as typeof express5;

export const expresses = [
  ['Express 4', express4],
  ['Express 5', express5],
] as const;
