import type { Unit } from './benchmark.ts';

/** A value with its unit, to three digits or so, as it is printed and written. */
export function amount(unit: Unit, value: number): string {
  switch (unit) {
    case 'ratio':
      return value >= 10 ? number(value) : value.toFixed(3);
    case 'share':
      return `${(value * 100).toFixed(value === 0 || value >= 0.995 ? 0 : 1)} %`;
    case 'count':
      return value.toLocaleString('en');
    case 'per second':
      return `${number(value)}/s`;
    case 'µs':
      return value >= 10_000 ? amount('ms', value / 1_000) : `${number(value)} µs`;
    case 'ms':
      return value >= 10_000 ? amount('s', value / 1_000) : `${number(value)} ms`;
    case 'bytes':
      return value >= 1e6 ? `${number(value / 1e6)} MB` : `${number(value)} bytes`;
    default:
      return `${number(value)} ${unit}`;
  }
}

function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
