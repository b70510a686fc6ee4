/** What looks at requests, and answers those to inference.local: loaded when they are first wanted. */
import type { Draft } from '../event/event.ts';
import type { Inspection, ProxyContext } from '../http/authorise.ts';
import type { InferenceHandler } from '../http/inspected/inference-handler.ts';
import type { GivenRoutes } from '../inference/given.ts';
import type { ProviderNetwork } from '../inference/provider-connection.ts';
import type { InferenceOptions } from '../inference/router.ts';
import type { GivenCredentials } from '../inject/make-injector.ts';
import type { Trust } from './trust.ts';

export interface InspectionGiven {
  /** Null: none was given. */
  readonly credentials: GivenCredentials | null;
  /** Null: no routes were given. */
  readonly inference: GivenRoutes | null;
  readonly emit: (draft: Draft) => void;
}

/** Loaded when a connection is first opened. */
export const inspectionBy =
  (
    { authority, upstream }: Trust,
    { credentials, inference, emit }: InspectionGiven,
    network: Omit<ProviderNetwork, 'tls'>,
  ) =>
  async (context: ProxyContext): Promise<Inspection> => {
    const { InspectedServer, makeInjector, UpstreamTls, upstreamTrust } = await import(
      '../http/inspected/inspected.late.ts'
    );
    const upstreamTls = new UpstreamTls(upstreamTrust(upstream));
    return new InspectedServer({
      context,
      authority,
      upstreamTls,
      injector: credentials === null ? null : makeInjector(credentials, upstream),
      inference:
        inference === null
          ? null
          : lateRouter({ ...inference, network: { ...network, tls: upstreamTls }, emit }),
    });
  };

/** Loaded at the first request to inference.local. */
function lateRouter(options: InferenceOptions): InferenceHandler {
  let router: Promise<InferenceHandler> | null = null;
  const load = async (): Promise<InferenceHandler> => {
    const { createInferenceRouter } = await import('../inference/inference.late.ts');
    return createInferenceRouter(options);
  };
  return {
    handle: async (client, caller) => {
      router ??= load();
      await (await router).handle(client, caller);
    },
    close: async () => (await router)?.close(),
  };
}
