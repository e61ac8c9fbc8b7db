/** A page of a shop: what it can do is on `window.shop`, for the test to call. */
import { createClient, isClientError, type SlackwaterClient, webStore } from '@slackwater/client-sdk';

/** Where the application is, and the verifier key of its ledger. */
interface Place {
  readonly origin: string;
  readonly verifierKey: string;
}

function clientOf({ origin, verifierKey }: Place): SlackwaterClient {
  return createClient({ baseURL: origin, verifierKeys: [verifierKey], receipts: webStore(localStorage) });
}

export const shop = {
  /** Orders and waits; gives the outcome and what was proven. */
  async order(place: Place, sku: string): Promise<object> {
    const client = clientOf(place);
    const { status, data, slackwater } = await client.post('/orders', { sku });
    const { isOwn, outcome } = await client.audit.verify(slackwater.deferral?.id ?? '');
    return { status, data, receiptVerified: slackwater.receiptVerified, isOwn, outcome };
  },
  /** Orders, and keeps what it takes to go on. */
  async begin(place: Place, sku: string): Promise<void> {
    const poller = await clientOf(place).begin({ method: 'post', url: '/orders', data: { sku } });
    localStorage.setItem('order', String(poller));
  },
  /** Goes on with the order that was kept; gives the statuses on the way and the outcome. */
  async resume(place: Place): Promise<object> {
    const poller = clientOf(place).deferral(localStorage.getItem('order') ?? '');
    const statuses: string[] = [];
    poller.onProgress(({ status }) => statuses.push(status));
    const { status, data } = await poller.pollUntilDone();
    return { status, data, statuses };
  },
  /** Orders, and gives up when the page is left. */
  leaving(place: Place, sku: string): void {
    const controller = new AbortController();
    addEventListener('pagehide', () => controller.abort());
    clientOf(place)
      .post('/orders', { sku }, { signal: controller.signal })
      .catch((error: unknown) =>
        localStorage.setItem('ended', isClientError(error) ? error.code : String(error)),
      );
  },
  /** What calls fail with. */
  async failing(place: Place, path: string): Promise<string> {
    try {
      await clientOf(place).get(path, { slackwater: { maxRetries: 0 } });
      return 'it did not';
    } catch (error) {
      return isClientError(error) ? error.code : String(error);
    }
  },
};

Object.assign(globalThis, { shop });
