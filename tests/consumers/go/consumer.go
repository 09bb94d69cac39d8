// What gopacket/pcap finds: devices, a savefile, a live capture. usage: INTERFACE SAVEFILE
package main

import (
	"fmt"
	"log"
	"os"
	"sort"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	device, savefile := os.Args[1], os.Args[2]
	devices, err := pcap.FindAllDevs()
	must(err)
	sort.Slice(devices, func(i, j int) bool { return devices[i].Name < devices[j].Name })
	for _, d := range devices {
		fmt.Println("device", d.Name, d.Flags, d.Addresses)
	}

	reader, err := pcap.OpenOffline(savefile)
	must(err)
	must(reader.SetBPFFilter("udp dst port 9"))
	fmt.Println("refused", reader.SetBPFFilter("nonsense (") != nil)
	for {
		data, info, err := reader.ReadPacketData()
		if err != nil {
			fmt.Println("end", err)
			break
		}
		fmt.Println("read", info.Timestamp.UTC(), info.CaptureLength, info.Length, len(data))
	}
	reader.Close()

	filter, err := pcap.NewBPF(layers.LinkTypeEthernet, 65535, "ip")
	must(err)
	fmt.Println("filter", filter.String())

	inactive, err := pcap.NewInactiveHandle(device)
	must(err)
	must(inactive.SetTimeout(100 * time.Millisecond))
	must(inactive.SetImmediateMode(true))
	fmt.Println("sources", inactive.SupportedTimestamps())
	live, err := inactive.Activate()
	must(err)
	must(live.SetBPFFilter("udp dst port 9 and src port 4000"))
	for wanted := 3; wanted > 0; {
		data, _, err := live.ReadPacketData()
		if err == pcap.NextErrorTimeoutExpired {
			continue
		}
		must(err)
		fmt.Println("live", string(data[len(data)-5:]))
		wanted--
	}
	must(live.WritePacketData(make([]byte, 60)))
	stats, err := live.Stats()
	must(err)
	fmt.Println("dropped", stats.PacketsDropped)
	live.Close()
}
