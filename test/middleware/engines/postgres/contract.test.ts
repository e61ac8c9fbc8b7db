import { engineContract } from '../../../contracts/engine-contract.ts';
import { postgresUnderTest, usePostgres } from './place.ts';

const place = usePostgres();

engineContract('postgres', () => postgresUnderTest(place));
