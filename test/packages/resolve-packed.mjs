// Preloaded by processes that a suite starts: what they import of Slackwater is what the packed packages export.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const project = pathToFileURL(`${process.env.SLACKWATER_PACKED_PROJECT}/`).href;
const ours = /^@slackwater\/(?:shared|middleware|client-sdk)(?:\/|$)/;

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, ours.test(specifier) ? { ...context, parentURL: project } : context),
});
