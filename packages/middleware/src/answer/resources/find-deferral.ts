import { type DeferralResource, type OperationProgress, ownMethods, type Reversal } from '@slackwater/shared';
import { inTime } from '../../in-time.ts';
import type { Deferral } from '../../ledger/deferral.ts';
import type { Ledger } from '../../ledger/open-ledger.ts';
import { deferralResource, deferralUrls } from '../deferral-resource.ts';
import { type Scope, type Sight, sightOf } from './access.ts';
import type { Records, ResourceParts } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';
import { locateDeferral } from './locate-deferral.ts';
import { isDeferralId } from './match-path.ts';

/** A deferral that exists and that the request may see. */
export interface Found {
  readonly records: Records;
  readonly ledger: Ledger;
  readonly deferral: Deferral;
  readonly sight: Sight;
  /** How the run stands that it is left to; absent where that was not asked for, or there is none. */
  readonly progress?: OperationProgress | undefined;
}

/** The deferral in the path; undefined where it doesn't exist, or may not be seen without a token of that scope. */
export async function findDeferral(exchange: Exchange, scope: Scope): Promise<Found | undefined> {
  const { parts, params } = exchange;
  const { records } = parts;
  const id = params['id'] ?? '';
  if (records === undefined || !isDeferralId(id)) return undefined;
  const locating = locateDeferral(records, id);
  const located = await inTime(parts.clock, resourceLimits.askMs, 'Looking for a deferral', locating);
  if (located === undefined) return undefined;
  const { group, ledger, deferral } = located;
  const sight = await sightOf(exchange, ledger, deferral, scope);
  return sight && { records: group, ledger, deferral, sight };
}

/** The ledger as soon as it is open, if that is soon. */
export function openedLedger({ clock }: ResourceParts, records: Records): Promise<Ledger> {
  return inTime(clock, resourceLimits.askMs, 'Opening the ledger', records.ledger());
}

/** The resource as whoever asks may see it, with a fresh receipt. */
export async function resourceOf(exchange: Exchange, found: Found): Promise<DeferralResource> {
  const { records, ledger, deferral, sight } = found;
  const urls = deferralUrls(baseUrl(exchange), deferral.id, sight.capability);
  const [proof, undoing, progress] = await Promise.all([
    ledger.proof(deferral.id),
    undoingOf(ledger, deferral),
    found.progress ?? records.runs.progress(deferral),
  ]);
  return deferralResource(records.home, deferral, proof, urls, undoing && reversalOf(undoing), progress);
}

/** The compensation of a request whose success was told and that came to nothing; undefined where there is none. */
export async function undoingOf(
  ledger: Pick<Ledger, 'findByKey'>,
  { id, acknowledged, status }: Deferral,
): Promise<Deferral | undefined> {
  if (!acknowledged || (status !== 'Failed' && status !== 'Canceled')) return undefined;
  return ledger.findByKey('', ownMethods.compensation, '/', id);
}

/** How far undoing a request is. */
export function reversalOf({ id, status, phase }: Deferral): Reversal {
  return { id, status, phase, reversed: status === 'Succeeded' };
}

/** Where the gate's resources are, for URLs that are given out; never made from the Host header. */
export function baseUrl({ parts: { publicUrl, basePath }, req }: Pick<Exchange, 'parts' | 'req'>): string {
  // Two slashes at its beginning would make a path the name of a host.
  const mount = publicUrl ?? (req.baseUrl ?? '').replace(/^\/{2,}/, '/');
  return `${mount}${basePath}`;
}
