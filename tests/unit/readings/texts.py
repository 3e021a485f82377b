"""What phones print, typed anew with the shapes of real captures and other values."""

BATTERY_8 = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 450000
  Max charging voltage: 5000000
  Charge counter: 2811000
  status: 2
  health: 2
  present: true
  level: 41
  scale: 50
  voltage: 3987
  temperature: 263
  technology: Li-ion
"""
BATTERY_16 = """Current Battery Service state:
  AC powered: false
  USB powered: false
  Wireless powered: false
  Dock powered: false
  Max charging current: 0
 Time when the latest updated value of the Max charging current was sent: +31s12ms
  Max charging voltage: 0
  Charge counter: 913
  status: 3
  health: 2
  present: true
  level: 27
  scale: 100
 Time when the latest updated value of the voltage was sent via battery changed: +1h2m3s4ms
 The last voltage value sent via the battery changed broadcast: 3555
  voltage: 3701
  temperature: -35
  technology: Li-poly
  Charging state: 0
  Charging policy: 1
  Capacity level: -1
"""
BATTERY_SAMSUNG = """Current Battery Service state:
  (UPDATES STOPPED -- use 'reset' to restart)
  AC powered: true
  status: 2
  level: 88
  scale: 100
  voltage: 4203
  temperature: 311
  current now: 1203
  charge counter: 99
  Charge counter: 3555000
[07-21 10:00:01] level: 12, temperature: 999
  level: 13
"""
BATTERY_TV_BOX = (
    "  AC powered: true\n  level: 100\n  scale: 100\n  voltage: 12\n  temperature: 26\n"
)

MEMINFO_9 = """Applications Memory Usage (in Kilobytes):
Uptime: 90210 Realtime: 90333

** MEMINFO in pid 811 [org.example.app] **
                   Pss  Private  Private  SwapPss     Heap     Heap     Heap
                 Total    Dirty    Clean    Dirty     Size    Alloc     Free
                ------   ------   ------   ------   ------   ------   ------
  Native Heap     1700     1660        4        8     9216     7001     2214
  Dalvik Heap      900      880        0        0     4001     2000     2001
    .art mmap      333      300       12        0
        TOTAL     3001     2840       16        8    13217     9001     4215

 App Summary
                       Pss(KB)
                        ------
           Java Heap:      912
         Native Heap:     1664
              System:      425

               TOTAL:     3001       TOTAL SWAP PSS:        8

 Objects
               Views:        7         ViewRootImpl:        1
"""
MEMINFO_14_TWO = """Applications Memory Usage (in Kilobytes):
Uptime: 1 Realtime: 2

** MEMINFO in pid 901 [org.example.app] **
                   Pss  Private  Private  SwapPss      Rss     Heap     Heap     Heap
                 Total    Dirty    Clean    Dirty    Total     Size    Alloc     Free
                ------   ------   ------   ------   ------   ------   ------   ------
  Native Heap    50001    49000        4    20000    31000    70000    60000    10000
    .so mmap     1100      100      200        0     9000
        TOTAL    51101    49100      204    20000    40000    70000    60000    10000

 App Summary
                       Pss(KB)                        Rss(KB)
                        ------                         ------
           Java Heap:      120                           4000
             Unknown:                                    8732

           TOTAL PSS:    51101            TOTAL RSS:    40000       TOTAL SWAP PSS:    20000

** MEMINFO in pid 902 [org.example.app:ballast1] **

 App Summary
                       Pss(KB)                        Rss(KB)
                        ------                         ------
         Native Heap:    77000                          78000

           TOTAL PSS:    77777            TOTAL RSS:    88888       TOTAL SWAP (KB):        3
"""
MEMINFO_SYSTEM_13 = """Applications Memory Usage (in Kilobytes):
Uptime: 5000 Realtime: 6000

Total RSS by process:
    412,345K: system (pid 1203)
    101,000K: org.example.app (pid 4321 / activities)
Total PSS by process:
    301,000K: system (pid 1203)                                          (    2,000K in swap)
     90,111K: org.example.app (pid 4321)             (   10,000K in swap / activities)
Total PSS by OOM adjustment:
    600,000K: Native
         70,000K: logd (pid 600)

Total RAM: 5,802,100K (status moderate)
 Free RAM: 2,000,000K (  300,000K cached pss + 1,500,000K cached kernel +   200,000K free)
DMA-BUF:    90,000K (   10,000K mapped +    80,000K unmapped)
 Used RAM: 3,100,000K (2,600,000K used pss +   500,000K kernel)
 Lost RAM:   -12,345K
     ZRAM:   200,000K physical used for   800,000K in swap (2,000,000K total swap)
   Tuning: 256 (large 512), oom   322,560K, restore limit   107,520K (high-end-gfx)
"""


def checkin_line(pid: int, name: str, first: int) -> str:
    """A line with the field numbers as values from field 3 on, counted up from ``first``."""
    values = [str(first + i) for i in range(60)]
    values[2] = "N/A"
    return ",".join(["4", str(pid), name, *values])


MEMINFO_CHECKIN = (
    "time,7000,8000\n"
    + checkin_line(31, "org.example.app", 1000)
    + "\n"
    + checkin_line(32, "org.example.other", 3000)
    + "\n"
)

CPUINFO_11 = """Load: 3.5 / 2,25 / 1
CPU usage from 190000ms to 1500ms ago (2024-02-03 10:00:00.000 to 2024-02-03 10:03:08.500):
  131% 1500/system_server: 90% user + 41% kernel / faults: 99 minor 3 major
  2.5% 77/kworker/u16:1: 0% user + 2.5% kernel
 +0% 999/org.example.app:remote: 0% user + 0% kernel
 -1% 998/gone: 0.5% user + 0.5% kernel
22% TOTAL: 15% user + 6% kernel + 0.5% iowait + 0.3% irq + 0.2% softirq
"""

THERMAL_12 = """IsStatusOverride: false
ThermalEventListeners:
	callbacks: 2
Thermal Status: 2
Cached temperatures:
	Temperature{mValue=90.0, mType=0, mName=CPU old, mStatus=0}
HAL Ready: true
HAL connection:
	ThermalHAL AIDL 1  connected: yes
Current temperatures from HAL:
	Temperature{mValue=47.25, mType=0, mName=CPU, one, mStatus=0}
	Temperature{mValue=44.5, mType=3, mName=skin, mStatus=2}
	Temperature{mValue=0.0, mType=2, mName=SUBBAT, mStatus=0}
	Temperature{mValue=3900.0, mType=6, mName=vbat, mStatus=0}
	Temperature{mValue=NaN, mType=3, mName=odd, mStatus=0}
Current cooling devices from HAL:
	CoolingDevice{mValue=11, mType=2, mName=thermal-cpufreq-6}
Temperature static thresholds from HAL:
	TemperatureThreshold{mType=3, mName=skin, mHotThrottlingThresholds=[36.0, NaN]}
"""

EXIT_INFO = """ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)
Last Timestamp of Persistence Into Persistent Storage: 2025-01-02 03:04:05.678
  package: org.example.app
    Historical Process Exit for uid=10123
        ApplicationExitInfo #0:
          timestamp=2025-01-02 03:00:00.111 pid=777 realUid=10123 packageUid=10123 \
definingUid=10123 user=0
          process=org.example.app:ballast2 reason=3 (LOW_MEMORY) subreason=0 (UNKNOWN) status=9
          importance=400 pss=95KB rss=1,5MB description=status=5 in words state=empty trace=null
        ApplicationExitInfo #1:
          timestamp=2025-01-02 02:00:00.222 pid=776 realUid=10123 packageUid=10123 \
definingUid=10123 user=0
          process=org.example.app reason=13 (OTHER KILLS BY SYSTEM) subreason=17 (X) status=0
          importance=100 pss=0,00 rss=1.25GB description=OneKeyClean state=empty trace=/data/t.gz
"""

PROC_MEMINFO = """MemTotal:        5802100 kB
MemFree:          201000 kB
MemAvailable:    2301000 kB
Buffers:            9000 kB
Cached:          1500000 kB
Active(anon):     600000 kB
SwapTotal:       2097148 kB
SwapFree:        1500000 kB
AnonPages:        700000 kB
HugePages_Total:       0
"""
PROC_STAT = """cpu  1000 20 300 5000 60 7 8 0 11 0
cpu0 600 10 150 2500 30 7 8 0 11 0
cpu3 400 10 150 2500 30 0 0
intr 99999 0 0 1
ctxt 123456
btime 1700000000
processes 4321
"""
PID_STAT = (
    "4242 (weird) name (x)) S 1 4242 4242 0 -1 1077952832 100 0 0 0 250 50 7 3 20 -4 12 0 98765 "
    "15468032000 47360 18446744073709551615 1 1 0\n"
)
PID_STATUS = """Name:	mobileasr.train
Umask:	0077
State:	S (sleeping)
Tgid:	4242
Pid:	4242
PPid:	612
Uid:	10123	10123	10123	10123
VmPeak:	 2000000 kB
VmSize:	 1900000 kB
VmHWM:	  150000 kB
VmRSS:	  140000 kB
RssAnon:	  100000 kB
RssFile:	   39000 kB
RssShmem:	    1000 kB
VmSwap:	     512 kB
Threads:	14
"""
PRESSURE = """some avg10=1.25 avg60=0.50 avg300=0.10 total=123456
full avg10=0.75 avg60=0.25 avg300=0.05 total=65432
"""
GETPROP = (
    "[ro.build.version.sdk]: [33]\n"
    "[empty]: [][joined]: [yes]\n"
    "[nospace]:[true]\n"
    "[lines]: [one\ntwo]\n"
    "[brackets]: [a]b[c]]\n"
    "[cut]: [short"
)
LOGCAT = """--------- beginning of main
01-02 03:00:01.000   500   500 I lowmemorykiller: Kill 'org.example.app:ballast2' (777), \
uid 10123, oom_score_adj 700 to free 95000kB rss, 90000kB anon rss, 1200kB swap, 0kB dmabuf_pss; \
reason: low watermark is breached and thrashing (12%)
01-02 03:00:01.002  1000  2600  2700 I am_proc_died: [0,777,org.example.app:ballast2,700,4]
01-02 03:00:02.000  1000  2600  2700 I am_kill : [0,880,com.example.game,906,empty for 1899s]
01-02 03:00:03.000  1000  2600  2700 I am_kill : [0,881,com.example.chat,0,stop com.example.chat \
due to clear data, now,469716]
I/lowmemorykiller(  321): Killing 'com.example.old' (990), adj 900
01-02 03:00:04.000   500   500 I killinfo: [1234,10200,200,100,88000,5,1,2,3]
01-02 03:00:05.000  1000  2600  2600 I ActivityManager: Killing 1300:com.example.x/u0a55 \
(adj 985): empty #17
01-02 03:00:06.000  1000  2600  2600 I ActivityManager: Process com.example.y (pid 1400) has \
died: cch+5 CEM
01-02 03:00:07.000 30063 30063 I Zygote  : Process 777 exited due to signal 9 (Killed)
01-02 03:00:08.000  1000  2600  2600 I am_low_memory: 12
01-02 03:00:09.000  1000  2600  2600 I SomethingElse: Kill nothing
"""
LMK_COUNTS = """ACTIVITY MANAGER LMK KILLS (dumpsys activity lmk)
  Total number of kills: 9
    kills at or below oom_adj 999: 9
    kills at or below oom_adj 900: 4
    kills at or below oom_adj 0: 0
"""
BATTERYSTATS = """9,0,i,vers,36,214,AP2A.111,AP2A.222
9,hsp,0,-1,"screen"
9,h,0:RESET:TIME:1700000000000
9,h,0,Bl=90,Bs=d,Bh=g,Bp=n,Bt=301,Bv=4100,Bcc=3600,+r
9,h,2500,+S
9,h,1500,Bl=89,Bv=4080
9,h,100:TIME:1700000004100
9,0,l,bt,0,3600000,3000000,3600000,3000000,1700000000000,1000,1000
9,0,l,lv,90,89
9,0,l,pws,3900,35.5,30,40
9,10123,l,pwi,uid,12.25,1,0,0
"""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "battery": (BATTERY_8, BATTERY_16, BATTERY_SAMSUNG, BATTERY_TV_BOX),
    "batterystats": (BATTERYSTATS,),
    "cpuinfo": (CPUINFO_11,),
    "exit_info": (EXIT_INFO,),
    "getprop": (GETPROP,),
    "lmk": (LOGCAT, LMK_COUNTS),
    "meminfo": (MEMINFO_9, MEMINFO_14_TWO, MEMINFO_SYSTEM_13, MEMINFO_CHECKIN),
    "pressure": (PRESSURE,),
    "proc_meminfo": (PROC_MEMINFO,),
    "proc_pid_stat": (PID_STAT,),
    "proc_pid_statm": ("3488 2049 1358 691 0 1223 0\n",),
    "proc_pid_status": (PID_STATUS,),
    "proc_stat": (PROC_STAT,),
    "thermal": (THERMAL_12, ""),
}
