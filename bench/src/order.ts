/** The order that is sent in every request and recorded in every deferral: some 250 bytes of JSON. */
export const orderText = JSON.stringify({
  reference: 'bench',
  customer: 'somebody',
  items: [{ sku: 'A-100', count: 2 }],
  note: 'to be left with the neighbours. '.repeat(5),
});

/** What comes with it. */
export const orderHeaders = { 'content-type': 'application/json', 'x-customer': 'somebody' } as const;
