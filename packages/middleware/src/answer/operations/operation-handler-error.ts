import { SlackwaterError } from '@slackwater/shared';

/** Code `option-missing`: a route starts operations, and the request did not come through the gate whose they are. */
export class OperationHandlerError extends SlackwaterError {
  constructor() {
    super(
      'option-missing',
      'A route that starts operations got a request that its gate did not let through; mount the gate that made the handler before the route, app.use(gate).',
    );
  }
}
