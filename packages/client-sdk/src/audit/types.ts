import type {
  Checkpoint,
  DeferralPhase,
  DeferralResource,
  DeferralStatus,
  JsonValue,
} from '@slackwater/shared';

/** Which deferrals are meant; all that is given must hold. */
export interface AuditFilters {
  readonly status?: DeferralStatus;
  readonly phase?: DeferralPhase;
  /** Only those that were refused because their records were altered or are missing, or only the others. */
  readonly corrupt?: boolean;
  readonly workType?: string;
  readonly partition?: string;
  /** The application's name for it, or the pseudonym that entries have. */
  readonly requester?: string;
  readonly method?: string;
  /** Route pattern. */
  readonly route?: string;
  /** The resource group; needed where the server has several. */
  readonly group?: string;
  /** Accepted at that time or later: RFC 3339. */
  readonly createdFrom?: string;
  /** Accepted before that time: RFC 3339. */
  readonly createdBefore?: string;
}

/** What `client.audit.deferrals` takes. */
export interface AuditListFilters extends AuditFilters {
  /** Deferrals per page, 1 to 1,000. Default: the server's. */
  readonly limit?: number;
  /** Where to begin: the `next` of an earlier page, with the same filters. */
  readonly cursor?: string;
}

/** One deferral in a list: what the ledger's entries say of it. */
export interface AuditDeferral
  extends Pick<DeferralResource, 'id'>,
    Partial<Omit<DeferralResource, 'id' | 'error' | 'receipt' | 'entry' | 'salt'>> {
  /** The message is in the deferral resource alone. */
  readonly error?: { readonly code: string };
  /** There and true where its records were altered or are missing. */
  readonly corrupt?: boolean;
  readonly method?: string;
  readonly route?: string;
  /** A pseudonym. */
  readonly requester?: string;
  /** Where its `accepted` entry stands in the ledger. */
  readonly position?: number;
}

/** What deferrals are counted by. */
export type AuditDimension = 'status' | 'phase' | 'workType' | 'partition' | 'requester' | 'operation';

/** How many deferrals have a value, or of several dimensions these values together. */
export interface AuditCount {
  /** Of `operation`: method, a space, and the route's pattern. Of several dimensions their values, joined by ", ". */
  readonly value: string;
  /** Each by the name of its dimension. */
  readonly values?: Readonly<Partial<Record<AuditDimension, string>>>;
  readonly count: number;
}

/** An entry of the ledger. */
export interface AuditEntry {
  readonly position: number;
  /** Its text: canonical JSON (RFC 8785). */
  readonly entry: string;
}

/** Where the two records of a request are, and whether they agree. */
export interface AuditMapping {
  readonly id: string;
  readonly first: { readonly position: number; readonly digest: string };
  readonly second: {
    readonly key: string;
    readonly state: 'intact' | 'altered' | 'missing' | 'erased';
    readonly bytes?: number;
    readonly parameters?: number;
  };
}

/** By what a mapping is found: the deferral, the key of its second record, or the position of its first record in a group's ledger. */
export type MappedBy =
  | string
  | { readonly record: string }
  | { readonly position: number; readonly group?: string };

/** What is to be shown in plain text, and what for: that is recorded in the ledger. */
export interface RevealQuery {
  /** Names of parameters, such as `body /card/number`; `names` for the list of them. */
  readonly parameters: readonly string[];
  readonly purpose: string;
}

/** A parameter in plain text; without a value where the request has none of that name. */
export interface RevealedParameter {
  readonly name: string;
  readonly value?: JsonValue;
}

/** A fresh receipt with the entry that it proves. */
export interface AuditReceipt {
  /** C2SP tlog-proof text. */
  readonly receipt: string;
  /** Position in the ledger. */
  readonly index: number;
  /** Whether it was verified under one of the client's verifier keys. */
  readonly verified: boolean;
}

/** A ledger's signed head. */
export interface AuditCheckpoint extends Checkpoint {
  /** The signed note, verbatim: keep it to notice later that a ledger was cut. */
  readonly text: string;
  /** Whether it was verified under one of the client's verifier keys. */
  readonly verified: boolean;
}
