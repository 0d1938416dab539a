from thermostack._columns_single import Columns as Columns
from thermostack._columns_single import FinestLevel as FinestLevel
from thermostack._columns_single import Level as Level
from thermostack._columns_single import TrueResidual as TrueResidual
from thermostack._columns_single import choose as choose
from thermostack._columns_single import operate as operate
from thermostack._columns_single import weigh as weigh
from thermostack._columns_single import weigh_pairs as weigh_pairs
