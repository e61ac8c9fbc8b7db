import { engineContract } from '../../../contracts/engine-contract.ts';
import { sqliteUnderTest } from './place.ts';

engineContract('sqlite', sqliteUnderTest);
