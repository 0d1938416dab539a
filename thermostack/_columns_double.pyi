from thermostack._columns_single import FinestLevel as FinestLevel
from thermostack._columns_single import Level as Level
from thermostack._columns_single import average as average
from thermostack._columns_single import operate as operate
from thermostack._columns_single import weigh as weigh
