import type { AxiosRequestConfig } from 'axios';

/** Whether answers can be read while they come: not over XMLHttpRequest, and by an adapter of somebody's own nobody knows. */
export function canStream(adapter: AxiosRequestConfig['adapter']): boolean {
  if (adapter === 'fetch' || adapter === 'http') return true;
  if (adapter !== undefined && !Array.isArray(adapter)) return false;
  return typeof XMLHttpRequest === 'undefined';
}
