/** Somebody in the address book. */
export interface Contact {
  readonly name: string;
  readonly email: string;
}

/** What a body says of a contact. Throws an error with status 400 where that is none. */
export function readContact(body: unknown): Contact {
  const { name, email } = (body ?? {}) as Partial<Record<keyof Contact, unknown>>;
  if (typeof name !== 'string' || name.trim() === '') throw bad('a contact needs a name');
  if (typeof email !== 'string' || !/^[^@\s]+@[^@\s]+$/.test(email))
    throw bad('a contact needs an e-mail address');
  return { name: name.trim(), email };
}

function bad(message: string): Error {
  return Object.assign(new Error(message), { status: 400 });
}
